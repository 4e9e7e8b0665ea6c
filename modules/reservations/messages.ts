import type { Catalog, EventDefinition } from '#catalog'
import type { MessageOf, MessageType } from '#contracts/messages.ts'
import { assert } from '#kernel/assert.ts'
import { fromUuid } from '#kernel/ids.ts'
import { messageId } from '#platform/messages/message.ts'
import type { Expansion } from '#platform/messages/postgres-log.ts'
import type { Queryable } from '#platform/postgres/database.ts'

/**
 * Turns the outbox's one row a reservation and change into the messages it stands for. The row has what changed; what never
 * changes (items, amount, currency) is looked up here, so that the sale does not write it twice.
 */
export function reservationMessages({
  definitions,
}: {
  definitions: Pick<Catalog['definitions'], 'byNo'>
}): Expansion<OutboxRow> {
  const levels = new PriceLevelNames()
  return {
    makes: {
      ReservationCreated: ['ReservationCreated', 'SeatHeld'],
      ReservationExtended: ['ReservationExtended'],
      ReservationCancelled: ['ReservationCancelled'],
      ReservationExpired: ['ReservationExpired'],
      SeatsSold: ['SeatsSold'],
    },
    columns: [
      'o.occurred_at',
      'o.event_no',
      'o.subject',
      'o.revision',
      'o.user_id',
      // As text: the driver's array parser goes character by character.
      `array_to_string(o.seat_nos, ',') as seat_nos`,
      `array_to_string(o.seat_generations, ',') as seat_generations`,
      'o.held_until',
      'o.data',
    ],
    async expand(db, rows, isWanted) {
      const facts = await readFacts(db, rows)
      await levels.learn(db, facts.values())
      const messages: AnyMessage[] = []
      for (const row of rows) {
        const fact = facts.get(row.subject)
        assert(fact !== undefined, 'a reservation that a message speaks of exists')
        const event = await definitions.byNo(row.event_no)
        assert(event !== null, 'an event that a message speaks of exists')
        pushMessages(messages, row, { fact, event, isWanted, priceLevel: level => levels.nameOf(row.event_no, level) })
      }
      return messages
    },
  }
}

type OutboxRow = {
  type: string
  occurred_at: number
  event_no: number
  subject: string
  revision: number
  user_id: string
  seat_nos: string | null
  seat_generations: string | null
  held_until: number | null
  data: { late?: boolean; traceparent?: string } | null
}

type AnyMessage = { [Name in MessageType]: MessageOf<Name> }[MessageType]

function pushMessages(
  messages: AnyMessage[],
  row: OutboxRow,
  {
    fact,
    event,
    isWanted,
    priceLevel,
  }: {
    fact: Fact
    event: EventDefinition
    isWanted: (type: MessageType) => boolean
    priceLevel: (level: number) => string
  },
): void {
  const reservation_id = fromUuid('rsv', row.subject)
  const event_id = event.eventId
  const envelope = <Name extends MessageType>(type: Name, part?: number) => ({
    specversion: '1.0' as const,
    id: messageId(reservation_id, row.revision, type, part),
    source: `/v1/events/${event_id}`,
    type,
    subject: reservation_id,
    time: new Date(row.occurred_at).toISOString(),
    datacontenttype: 'application/json' as const,
    partitionkey: event_id,
    revision: row.revision,
    ...(row.data?.traceparent !== undefined && { traceparent: row.data.traceparent }),
  })
  const whose = { event_id, reservation_id, user_id: fromUuid('usr', row.user_id) }
  const generations = numbers(row.seat_generations)
  const seats = numbers(row.seat_nos).map((seat_no, i) => {
    return { seat_id: event.seatMap.seatIdOf(seat_no), seat_no, generation: generations[i]! }
  })

  switch (row.type) {
    case 'ReservationCreated': {
      messages.push({
        ...envelope('ReservationCreated'),
        data: {
          ...whose,
          items: itemsOf(fact, event, priceLevel),
          quantity: fact.quantity,
          amount: fact.amount,
          currency: fact.currency,
          expires_at: iso(fact.initial_expires_at),
          replaces: fact.replaces === null || fact.replaces === nilUuid ? null : fromUuid('rsv', fact.replaces),
        },
      })
      // One a seat, and most readers of a hold want none of them.
      if (!isWanted('SeatHeld')) return
      const held_until = iso(fact.initial_expires_at)
      for (const [i, seat] of seats.entries()) {
        messages.push({ ...envelope('SeatHeld', i + 1), data: { event_id, reservation_id, ...seat, held_until } })
      }
      return
    }
    case 'ReservationExtended': {
      assert(row.held_until !== null, 'an extended hold has an end')
      messages.push({ ...envelope('ReservationExtended'), data: { ...whose, expires_at: iso(row.held_until) } })
      return
    }
    case 'SeatsSold': {
      messages.push({
        ...envelope('SeatsSold'),
        data: {
          ...whose,
          seats,
          quantity: fact.quantity,
          amount: fact.amount,
          currency: fact.currency,
          late: row.data?.late === true,
        },
      })
      return
    }
    case 'ReservationCancelled':
    case 'ReservationExpired': {
      const data = { ...whose, quantity: fact.quantity, released: seats }
      messages.push(
        row.type === 'ReservationCancelled'
          ? { ...envelope('ReservationCancelled'), data }
          : { ...envelope('ReservationExpired'), data },
      )
    }
  }
}

function itemsOf(fact: Fact, event: EventDefinition, priceLevel: (level: number) => string) {
  const levels = numbers(fact.seat_levels)
  const amounts = numbers(fact.seat_amounts)
  const seats = numbers(fact.seat_nos).map((seat_no, i) => ({
    seat_id: event.seatMap.seatIdOf(seat_no),
    seat_no,
    price_level: priceLevel(levels[i]!),
    amount: amounts[i]!,
  }))
  const quantities = numbers(fact.area_quantities)
  const areaLevels = numbers(fact.area_levels)
  const areaAmounts = numbers(fact.area_amounts)
  const areas = numbers(fact.area_nos).map((areaNo, i) => ({
    area_id: event.seatMap.areas[areaNo]!.areaId,
    quantity: quantities[i]!,
    price_level: priceLevel(areaLevels[i]!),
    amount: areaAmounts[i]!,
  }))
  return [...seats, ...areas]
}

/** What never changes of a reservation. */
type Fact = {
  event_no: number
  reservation_id: string
  quantity: number
  amount: number
  currency: string
  initial_expires_at: number
  replaces: string | null
  seat_nos: string
  seat_levels: string
  seat_amounts: string
  area_nos: string
  area_quantities: string
  area_levels: string
  area_amounts: string
}

const nilUuid = '00000000-0000-0000-0000-000000000000'

async function readFacts(db: Queryable, rows: readonly OutboxRow[]): Promise<Map<string, Fact>> {
  const found = await db.query<Fact>({
    label: 'reservation_facts_1',
    text: factsSql,
    values: [rows.map(row => row.event_no), rows.map(row => row.subject)],
  })
  return new Map(found.rows.map(fact => [fact.reservation_id, fact]))
}

const lists = ['seat_nos', 'seat_levels', 'seat_amounts', 'area_nos', 'area_quantities', 'area_levels', 'area_amounts']

// `offset 0` keeps it a look-up a row: joined, a plan made for a small table would read all of a large one.
const factsSql = `
  select r.*
  from (select distinct q.event_no, q.id from unnest($1::int4[], $2::uuid[]) q(event_no, id)) q
  cross join lateral (
    select v.event_no, v.reservation_id, v.quantity, v.amount, v.currency, v.initial_expires_at, v.replaces,
      ${lists.map(name => `array_to_string(v.${name}, ',') as ${name}`).join(', ')}
    from holdfast.reservations v
    where v.event_no = q.event_no and v.reservation_id = q.id
    offset 0
  ) r`

/** Names of price levels by event and number. A number is never given to another level, so what is known stays true. */
class PriceLevelNames {
  readonly #names = new Map<string, string>()

  async learn(db: Queryable, facts: Iterable<Fact>): Promise<void> {
    const unknown = new Set<number>()
    for (const { event_no, seat_levels, area_levels } of facts) {
      const isKnown = (level: number) => this.#names.has(`${event_no}/${level}`)
      if (![...numbers(seat_levels), ...numbers(area_levels)].every(isKnown)) unknown.add(event_no)
    }
    if (unknown.size === 0) return
    const { rows } = await db.query<{ event_no: number; level_no: number; price_level: string }>({
      label: 'price_level_names_1',
      text: 'select event_no, level_no, price_level from holdfast.price_levels where event_no = any ($1::int4[])',
      values: [[...unknown]],
    })
    for (const row of rows) this.#names.set(`${row.event_no}/${row.level_no}`, row.price_level)
  }

  nameOf(eventNo: number, level: number): string {
    const name = this.#names.get(`${eventNo}/${level}`)
    assert(name !== undefined, 'a price level of an event is never removed')
    return name
  }
}

function numbers(list: string | null): number[] {
  return list === null || list === '' ? [] : list.split(',').map(Number)
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
