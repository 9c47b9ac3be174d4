import { exchange } from '../exchange.ts'

/** What a broker says of its cluster. */
export interface KafkaMetadata {
  clusterId: string
  /** The brokers that serve clients now; a broker that has just started is not yet among them. */
  nodeIds: number[]
}

const metadataRequest = { key: 3, version: 5 }

/** Asks a broker's plain listener for the cluster's metadata, without any topics. */
export async function askKafka(port: number): Promise<KafkaMetadata> {
  const received = await exchange({ port }, encodeRequest(), (bytes) => {
    return bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)
  })
  return decode(received)
}

function encodeRequest(): Buffer {
  const body = Buffer.alloc(15)
  body.writeInt16BE(metadataRequest.key, 0)
  body.writeInt16BE(metadataRequest.version, 2)
  body.writeInt32BE(1, 4) // correlation id
  body.writeInt16BE(-1, 8) // no client id
  body.writeInt32BE(0, 10) // no topics
  body.writeInt8(0, 14) // create none
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length)
  return Buffer.concat([length, body])
}

function decode(bytes: Buffer): KafkaMetadata {
  let position = 12 // length, correlation id, throttle time
  const readString = (): string => {
    const length = bytes.readInt16BE(position)
    position += 2 + Math.max(length, 0)
    return bytes.toString('utf8', position - Math.max(length, 0), position)
  }
  const count = bytes.readInt32BE(position)
  position += 4
  const nodeIds: number[] = []
  for (let index = 0; index < count; index++) {
    nodeIds.push(bytes.readInt32BE(position))
    position += 4
    readString() // host
    position += 4 // port
    readString() // rack
  }
  return { clusterId: readString(), nodeIds }
}
