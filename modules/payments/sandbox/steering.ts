import Type, { type Static } from 'typebox'

const share = Type.Number({ minimum: 0, maximum: 1 })
const endpoint = Type.String({
  enum: ['any', 'create', 'retrieve', 'list', 'update', 'confirm', 'capture', 'cancel', 'refund', 'refunds', 'events'],
})

/** How the sandbox misbehaves on request: `POST /sandbox/steer`. What is left out stays as it is. */
export const steerBody = Type.Object(
  {
    webhooks: Type.Optional(
      Type.Object(
        {
          delay_ms: Type.Optional(Type.Tuple([Type.Number({ minimum: 0 }), Type.Number({ minimum: 0 })])),
          copies: Type.Optional(
            Type.Tuple([Type.Integer({ minimum: 1, maximum: 20 }), Type.Integer({ minimum: 1, maximum: 20 })]),
          ),
          drop_share: Type.Optional(share),
          /** Within this time events overtake each other. */
          reorder_ms: Type.Optional(Type.Number({ minimum: 0 })),
          /** The endpoint counts as down: every attempt fails. */
          outage: Type.Optional(Type.Boolean()),
        },
        { additionalProperties: false },
      ),
    ),
    rate_limits: Type.Optional(Type.Boolean()),
    /** How long `processing` takes. */
    processing_ms: Type.Optional(Type.Number({ minimum: 0 })),
    faults: Type.Optional(
      Type.Array(
        Type.Object(
          {
            endpoint,
            kind: Type.String({ enum: ['timeout', 'timeout_after_effect', 'error_after_effect', 'error', 'hang'] }),
            times: Type.Optional(Type.Integer({ minimum: 1 })),
            share: Type.Optional(share),
            hang_ms: Type.Optional(Type.Number({ minimum: 0 })),
          },
          { additionalProperties: false },
        ),
        { description: 'Replaces those there were; [] ends them.' },
      ),
    ),
  },
  { additionalProperties: false },
)
export type SteerBody = Static<typeof steerBody>

type Fault = NonNullable<SteerBody['faults']>[number]

export type Steering = {
  webhooks: {
    delay_ms: [number, number]
    copies: [number, number]
    drop_share: number
    reorder_ms: number
    outage: boolean
  }
  rate_limits: boolean
  processing_ms: number
  faults: Fault[]
}

export function straight(): Steering {
  return {
    webhooks: { delay_ms: [0, 0], copies: [1, 1], drop_share: 0, reorder_ms: 0, outage: false },
    rate_limits: false,
    processing_ms: 3000,
    faults: [],
  }
}

export function steer(steering: Steering, body: SteerBody): void {
  const { webhooks, ...rest } = body
  Object.assign(steering.webhooks, webhooks)
  Object.assign(steering, rest)
}

/** The fault that this call meets, if any; one that is planned for a number of calls is used up. */
export function takeFault(steering: Steering, called: string, fraction: () => number): Fault | null {
  for (const fault of steering.faults) {
    if (fault.endpoint !== 'any' && fault.endpoint !== called) continue
    if (fault.share !== undefined && fraction() >= fault.share) continue
    if (fault.times !== undefined && --fault.times === 0)
      steering.faults = steering.faults.filter(other => other !== fault)
    return fault
  }
  return null
}
