/** E-mails and letters. Written for this package; each stands for the wording of its kind. */
export const LETTERS: readonly string[] = [
  `From: Ann Bell To: Support Subject: Delivery. Hi, I still have not received the parcel I ordered last week. Could you please check where it is and let me know when I can expect it? Thanks a lot. Best, Ann`,
  `Dear Mr. Jones, thank you for your letter of 4 May. I am writing to confirm that we will be glad to meet you on Tuesday. Please let me know whether ten o'clock would suit you. I look forward to hearing from you. Yours sincerely, M. Hale`,
  `From: D. Wu To: Team Cc: Legal Date: Mon. Hello all, as discussed on the phone this morning, please find attached the latest version. I would be grateful for your comments by Friday. Call me if anything is unclear. Kind regards, D.`,
  `Dear Sir or Madam, I wish to complain about the noise coming from the building site next to my house. I have written to you twice and never had an answer. I would ask you to look into this at your earliest convenience. Yours faithfully`,
  `Hi Sam, just a quick note to say that the samples arrived. I will send you the results as soon as I have them. Did you have time to speak to Lena? Let's talk tomorrow. Cheers, Joe. Sent from my phone`,
  `Re: your application. Dear Ms. Costa, we thank you for your interest in our company. Unfortunately we cannot offer you a position at present. We wish you all the best and will keep your letter on file. With kind regards, Human Resources`,
  `Fwd: question. Ben, see the message below. Can you answer him? I do not want to put this in writing before we have talked. Give me a ring tonight. Regards, K. ---- Original message ---- From: To: Subject:`,
  `Dear Board members, I write to inform you that I resign from my office with effect from the end of the month. I enclose the keys and ask you to confirm receipt of this letter. It has been an honour to serve. Yours truly`,
  `From: Office To: All staff Subject: Car park. Dear colleagues, please note that the car park will be closed on Thursday. We apologise for any inconvenience and thank you for your understanding. If you have any questions do not hesitate to contact me.`,
  `De : Paul À : Marie Objet : Rendez-vous. Bonjour Marie, je te remercie pour ton message. Je suis disponible jeudi matin. Peux-tu me dire si cela te convient ? Je reste joignable au bureau. Bien cordialement, Paul`,
  `Madame, Monsieur, par la présente, je me permets d'attirer votre attention sur le retard de mon dossier. Je vous prie de bien vouloir me tenir informée. Dans l'attente de votre réponse, veuillez agréer, Madame, Monsieur, l'expression de mes salutations distinguées.`,
  `Cher Monsieur, suite à notre entretien téléphonique, vous trouverez ci-joint les pièces demandées. Je vous saurais gré de me les retourner signées. Je vous prie de croire, cher Monsieur, à l'assurance de mes sentiments les meilleurs.`,
  `Bonjour, j'accuse réception de votre courrier du 3 avril et vous en remercie. Nous reviendrons vers vous dès que possible. Pourriez-vous nous envoyer le justificatif manquant ? Merci d'avance. Cordialement, le service clients`,
]
