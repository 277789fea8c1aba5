/**
 * SHA-256 (FIPS 180-4, section 6.2), at once and everywhere: `crypto.subtle` only promises a hash, and only on
 * pages that came over HTTPS. Not for secrets: it is not made to take the same time for every input.
 */

/** Fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const [ROUND, INITIAL] = constants()

function constants(): [Uint32Array, Uint32Array] {
  const round = new Uint32Array(64)
  const initial = new Uint32Array(8)
  let found = 0
  for (let number = 2; found < 64; number++) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= number; divisor++) isPrime &&= number % divisor !== 0
    if (!isPrime) continue
    round[found] = root(BigInt(number), 3n)
    if (found < 8) initial[found] = root(BigInt(number), 2n)
    found++
  }
  return [round, initial]
}

/** The first 32 bits of the fraction of a root, by whole numbers only. */
function root(number: bigint, degree: bigint): number {
  const wanted = number << (32n * degree)
  let low = 0n
  let high = 1n << 40n
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (middle ** degree <= wanted) low = middle
    else high = middle
  }
  return Number(low & 0xffffffffn)
}

/** A hash in the making. */
export class Sha256 {
  readonly #state = new Uint32Array(INITIAL)
  readonly #block = new Uint8Array(64)
  readonly #words = new Uint32Array(64)
  #length = 0

  /** Adds bytes. */
  update(bytes: Uint8Array): this {
    let at = 0
    while (at < bytes.length) {
      const filled = this.#length % 64
      const taken = Math.min(64 - filled, bytes.length - at)
      this.#block.set(bytes.subarray(at, at + taken), filled)
      this.#length += taken
      at += taken
      if (this.#length % 64 === 0) this.#compress()
    }
    return this
  }

  /** Returns the 32 bytes of the hash. It is used once. */
  digest(): Uint8Array {
    const bits = this.#length * 8
    const filled = this.#length % 64
    const padding = new Uint8Array((filled < 56 ? 64 : 128) - filled)
    padding[0] = 0x80
    const end = new DataView(padding.buffer)
    end.setUint32(padding.length - 8, Math.floor(bits / 0x1_0000_0000))
    end.setUint32(padding.length - 4, bits >>> 0)
    this.update(padding)
    const digest = new Uint8Array(32)
    const view = new DataView(digest.buffer)
    this.#state.forEach((word, index) => view.setUint32(4 * index, word))
    return digest
  }

  #compress(): void {
    const words = this.#words
    const block = new DataView(this.#block.buffer)
    for (let t = 0; t < 16; t++) words[t] = block.getUint32(4 * t)
    for (let t = 16; t < 64; t++) {
      const near = words[t - 2]!
      const far = words[t - 15]!
      const s1 = ((near >>> 17) | (near << 15)) ^ ((near >>> 19) | (near << 13)) ^ (near >>> 10)
      const s0 = ((far >>> 7) | (far << 25)) ^ ((far >>> 18) | (far << 14)) ^ (far >>> 3)
      words[t] = s1 + words[t - 7]! + s0 + words[t - 16]!
    }
    const state = this.#state
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
      const first = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[t]! + words[t]!) | 0
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + first) | 0
      d = c
      c = b
      b = a
      a = (first + second) | 0
    }
    ;[a, b, c, d, e, f, g, h].forEach((word, index) => (state[index]! += word))
  }
}
