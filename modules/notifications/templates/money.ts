/** `4900, 'EUR'` -> `€49.00`. Minor units are those of ISO 4217, which the platform's number format knows: none to three digits. */
export function moneyOf(amountMinor: number, currency: string): string {
  const format = formats.get(currency) ?? new Intl.NumberFormat('en', { style: 'currency', currency })
  formats.set(currency, format)
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amountMinor / 10 ** digits)
}

const formats = new Map<string, Intl.NumberFormat>()
