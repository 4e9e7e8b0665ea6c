import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readCsv } from '../csv.ts'
import { importManifest } from '../import-seat-map.ts'
import { ProblemList } from '../problems.ts'

const header = 'section,row,number,x,y,price_level'

function records(text: string) {
  const problems = new ProblemList()
  const found = [...readCsv(text, problems)].map(({ line, fields }) => [line, ...fields])
  return { found, problems: problems.list() }
}

test('fields may be quoted, with commas, doubled quotes and line breaks inside', () => {
  const { found, problems } = records('a,"b,""c""",\r\n\r\n"d\r\ne",f\ng,"h"')
  assert.deepEqual(found, [
    [1, 'a', 'b,"c"', ''],
    [3, 'd\r\ne', 'f'],
    [5, 'g', 'h'],
  ])
  assert.deepEqual(problems, [])
})

test('what RFC 4180 does not allow is told by line, and reading goes on', () => {
  const { found, problems } = records('a"b,c\n"d"e,f\ng\n"h')
  assert.deepEqual(found, [[3, 'g']])
  assert.deepEqual(problems, [
    { line: 1, message: 'a field with a quote in it must be quoted as a whole' },
    { line: 2, message: 'there is text between a closing quote and the next comma' },
    { line: 4, message: 'a quote is opened and never closed' },
  ])
})

test('a manifest of seats and areas becomes a map', () => {
  const text = `${header},attributes\r\nA,1,1,0,0,Front,wheelchair;companion\r\nA,1,2,10,0,Front,\r\n"B, left",1,1,0,30,Back,\r\n\r\narea,capacity,price_level\r\nFloor,600,Back\r\n`
  const result = importManifest(text, 'Hall')
  assert.ok(result.ok)
  const { seatMap } = result
  assert.equal(seatMap.name, 'Hall')
  assert.deepEqual(seatMap.seat(0).attributes, ['wheelchair', 'companion'])
  assert.equal(seatMap.seatNoOf('B, left-1-1'), 2)
  assert.deepEqual(
    seatMap.categories.map(({ name }) => name),
    ['Front', 'Back'],
  )
  assert.deepEqual(seatMap.areas[0], {
    areaNo: 0,
    areaId: 'Floor',
    name: 'Floor',
    capacity: 600,
    category: 1,
    shape: null,
  })
})

test('rows sorted as text are put back into walking order', () => {
  const seats = ['1', '10', '11', '2', '3', '4', '5', '6', '7', '8', '9'].map(n => `A,1,${n},${Number(n) * 10},0,P`)
  const result = importManifest([header, ...seats].join('\n'), 'Hall')
  assert.ok(result.ok)
  const numbers = Array.from({ length: 11 }, (_, n) => result.seatMap.seat(n).number)
  assert.deepEqual(numbers, ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11'])
  assert.deepEqual([...result.seatMap.joinsNext], [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0])
})

test('all problems are told by line', () => {
  const text = [
    header,
    'A,1,1,0,0,P',
    'A,1,1,10,0,P',
    'A,1,3,x,"1,5",P',
    'A,1',
    ',1,4,30,0,',
    'A,1,5,0.5,0,P',
    'area,capacity,price_level',
    'F,0,P',
  ].join('\n')
  const result = importManifest(text, 'Hall')
  assert.deepEqual(result.ok ? [] : result.errors, [
    { line: 4, message: 'x must be a number between -100000 and 100000' },
    { line: 4, message: 'y must be a number between -100000 and 100000' },
    { line: 5, message: 'has 2 fields, the header has 6' },
    { line: 6, message: 'section must not be empty' },
    { line: 6, message: 'price_level must not be empty' },
    { line: 9, message: 'capacity must be a whole number from 1 to 100000' },
    { line: 3, message: 'seat "A-1-1" is already there: line 2' },
    { line: 7, message: 'the seat lies on top of another one: line 2' },
  ])
})

test('a file without its header is told so once', () => {
  const result = importManifest('A;1;1;0;0;P\nA;1;2;0;0;P\n', 'Hall')
  assert.deepEqual(result.ok ? [] : result.errors.map(error => 'line' in error && error.line), [1, false])
  const lacking = importManifest('section,row,x,y\nA,1,0,0\n', 'Hall')
  assert.deepEqual(lacking.ok ? null : lacking.errors[0], { line: 1, message: 'the header lacks number, price_level' })
})
