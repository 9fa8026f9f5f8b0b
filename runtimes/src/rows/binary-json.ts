/**
 * From a value in Postgres' binary form to its JSON text, as `row_to_json` would render it in UTC: the
 * way back from the encoders of this folder, for values that the database itself cannot read. Numbers
 * are written digit by digit and never pass through a JavaScript number.
 */
import { dateOf, postgresEpochDays } from './calendar.ts';
import type { ColumnType } from './column-encoder.ts';

const microsOfSecond = 1_000_000n;
const microsOfDay = 86_400n * microsOfSecond;
const hexOfUuid = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

export function binaryToJson(type: ColumnType, bytes: Buffer): string {
  switch (type) {
    case 'text':
      return JSON.stringify(bytes.toString());
    case 'json':
      return bytes.toString();
    case 'integer':
      return String(bytes.readInt32BE(0));
    case 'bigint':
      return String(bytes.readBigInt64BE(0));
    case 'boolean':
      return bytes[0] === 1 ? 'true' : 'false';
    case 'uuid':
      return JSON.stringify(bytes.toString('hex').replace(hexOfUuid, '$1-$2-$3-$4-$5'));
    case 'date':
      return JSON.stringify(dayText(bytes.readInt32BE(0)));
    case 'timestamp':
      return JSON.stringify(timestampText(bytes.readBigInt64BE(0)));
    case 'decimal':
      return decimalText(bytes);
  }
}

function dayText(days: number): string {
  const { year, month, day } = dateOf(days + postgresEpochDays);
  const text = [year > 0 ? year : 1 - year, month, day]
    .map((part, at) => String(part).padStart(at === 0 ? 4 : 2, '0'))
    .join('-');
  return year > 0 ? text : `${text} BC`;
}

function timestampText(micros: bigint): string {
  const days = (micros - (((micros % microsOfDay) + microsOfDay) % microsOfDay)) / microsOfDay;
  const inDay = micros - days * microsOfDay;
  const seconds = Number(inDay / microsOfSecond);
  const time = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const rest = String(inDay % microsOfSecond)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const [day = '', era] = dayText(Number(days)).split(' ');
  const text = `${day}T${time}${rest === '' ? '' : `.${rest}`}+00:00`;
  return era === undefined ? text : `${text} ${era}`;
}

const groupDigits = 4;
const headerBytes = 8;

/** Groups of four digits, of which `weight` + 1 stand before the point; `scale` digits behind it. */
function decimalText(bytes: Buffer): string {
  const groups = bytes.readUInt16BE(0);
  const weight = bytes.readInt16BE(2);
  const isNegative = bytes.readUInt16BE(4) !== 0;
  const scale = bytes.readUInt16BE(6);
  const group = (at: number): string => {
    const value = at >= 0 && at < groups ? bytes.readUInt16BE(headerBytes + at * 2) : 0;
    return String(value).padStart(groupDigits, '0');
  };
  let whole = '';
  for (let at = 0; at <= weight; at += 1) whole += group(at);
  let fraction = '';
  for (let at = weight + 1; fraction.length < scale; at += 1) fraction += group(at);
  const digits = whole.replace(/^0+(?=\d)/, '') || '0';
  const text = scale === 0 ? digits : `${digits}.${fraction.slice(0, scale)}`;
  return isNegative ? `-${text}` : text;
}
