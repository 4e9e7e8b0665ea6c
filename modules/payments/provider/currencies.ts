/**
 * What a card can be charged, by currency: decimals of ISO 4217, and the smallest charge that Stripe documents (in minor units of the
 * currency itself). Currencies that are not listed have two decimals and no minimum that we know of; the provider has the last word.
 */
const currencies: Record<string, { decimals: 0 | 2 | 3; minimum: number }> = {
  AED: { decimals: 2, minimum: 200 },
  AUD: { decimals: 2, minimum: 50 },
  BGN: { decimals: 2, minimum: 100 },
  BRL: { decimals: 2, minimum: 50 },
  CAD: { decimals: 2, minimum: 50 },
  CHF: { decimals: 2, minimum: 50 },
  CZK: { decimals: 2, minimum: 1500 },
  DKK: { decimals: 2, minimum: 250 },
  EUR: { decimals: 2, minimum: 50 },
  GBP: { decimals: 2, minimum: 30 },
  HKD: { decimals: 2, minimum: 400 },
  HUF: { decimals: 2, minimum: 17_500 },
  INR: { decimals: 2, minimum: 50 },
  MXN: { decimals: 2, minimum: 1000 },
  MYR: { decimals: 2, minimum: 200 },
  NOK: { decimals: 2, minimum: 300 },
  NZD: { decimals: 2, minimum: 50 },
  PLN: { decimals: 2, minimum: 200 },
  RON: { decimals: 2, minimum: 200 },
  SEK: { decimals: 2, minimum: 300 },
  SGD: { decimals: 2, minimum: 50 },
  THB: { decimals: 2, minimum: 1000 },
  USD: { decimals: 2, minimum: 50 },
  BIF: { decimals: 0, minimum: 1 },
  CLP: { decimals: 0, minimum: 1 },
  DJF: { decimals: 0, minimum: 1 },
  GNF: { decimals: 0, minimum: 1 },
  ISK: { decimals: 0, minimum: 1 },
  JPY: { decimals: 0, minimum: 50 },
  KMF: { decimals: 0, minimum: 1 },
  KRW: { decimals: 0, minimum: 50 },
  MGA: { decimals: 0, minimum: 1 },
  PYG: { decimals: 0, minimum: 1 },
  RWF: { decimals: 0, minimum: 1 },
  UGX: { decimals: 0, minimum: 1 },
  VND: { decimals: 0, minimum: 1 },
  VUV: { decimals: 0, minimum: 1 },
  XAF: { decimals: 0, minimum: 1 },
  XOF: { decimals: 0, minimum: 1 },
  XPF: { decimals: 0, minimum: 1 },
  BHD: { decimals: 3, minimum: 10 },
  JOD: { decimals: 3, minimum: 10 },
  KWD: { decimals: 3, minimum: 10 },
  OMR: { decimals: 3, minimum: 10 },
  TND: { decimals: 3, minimum: 10 },
}

/** Stripe charges at most eight digits, whatever the currency. */
const maximum = 99_999_999

/** Without decimals in ISO 4217, and counted in hundredths by Stripe all the same: sent as they are, they would be sold for a hundredth. */
const hundredths = new Set(['ISK', 'UGX'])

/** So many of Stripe's units are one minor unit of the currency. */
export function stripeUnits(currency: string): number {
  return hundredths.has(currency) ? 100 : 1
}

/** Whether the provider takes this amount: not below its minimum, not above its maximum, and in steps that it knows. */
export function isChargeable(amount: number, currency: string): boolean {
  const { decimals, minimum } = currencies[currency] ?? { decimals: 2, minimum: 1 }
  // Card networks have two decimals: of three, the last must be 0.
  if (decimals === 3 && amount % 10 !== 0) return false
  return amount >= minimum && amount * stripeUnits(currency) <= maximum
}
