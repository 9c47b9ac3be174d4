/** Where the code of this package lies, as it is or as it was built. */
export const OWN_FOLDER: string = import.meta.dirname
