// Whether a program can be run: what its operations take for granted of a column.
#pragma once

#include "numbers.h"
#include "program.h"

namespace udup {

inline bool has_width(const Column &column, i64 least, i64 most) {
  return !column.sized && column.width >= least && column.width <= most;
}

// A text for each byte, none longer than an escape.
inline bool is_table(const Texts &texts) {
  if (texts.count != 256) return false;
  for (u64 byte = 0; byte < 256; byte++)
    if (texts[byte].size > static_cast<i64>(escape_size(Into::JSON))) return false;
  return true;
}

inline bool is_sound(const Column &column) {
  if (column.sized ? column.width < 1 || column.width > 4 : column.width < 1) return false;
  switch (column.op) {
  case Op::INT: case Op::ENUM: return has_width(column, 1, 8);
  case Op::SET: return has_width(column, 1, 8) && column.texts.count <= 64;
  case Op::UNSIGNED_BASE64: case Op::DOUBLE: return has_width(column, 8, 8);
  case Op::YEAR: return has_width(column, 1, 1);
  case Op::BOOLEAN: return !column.sized;
  case Op::FLOAT: case Op::FLOAT_WIDE: return has_width(column, 4, 4);
  case Op::DECIMAL_BASE64: case Op::DECIMAL_STRING: case Op::DECIMAL_DOUBLE: {
    if (column.precision < 1 || column.precision > DECIMAL_PRECISION_MAX) return false;
    if (column.digits < 0 || column.digits > DECIMAL_SCALE_MAX || column.digits > column.precision) return false;
    const i64 width = decimal_width(static_cast<unsigned>(column.precision), static_cast<unsigned>(column.digits));
    return has_width(column, width, width);
  }
  case Op::BITS: return column.precision > 0 && has_width(column, 1, 8) && column.width == (column.precision + 7) / 8;
  case Op::DATE_DAYS: case Op::DATE_ISO: return has_width(column, 3, 3);
  case Op::DATETIME_MS: case Op::DATETIME_US: case Op::DATETIME_NS: case Op::DATETIME_ISO:
    return has_width(column, 5, 8);
  case Op::TIMESTAMP_ISO: return has_width(column, 4, 7) && column.digits >= 0 && column.digits <= 6;
  case Op::TIME_MS: case Op::TIME_US: case Op::TIME_NS: case Op::TIME_CONNECT: case Op::TIME_ISO:
    return has_width(column, 3, 6);
  case Op::TEXT_BYTES: return column.sized && is_table(column.texts);
  case Op::BASE64: case Op::BASE64_URL: case Op::HEX:
    return column.sized && column.fill >= 0 && column.fill <= FILL_MAX;
  case Op::TEXT_UTF8: case Op::JSON_LEGACY: case Op::JSON_DATABASE: case Op::GEOMETRY: case Op::POINT: case Op::VECTOR:
    return column.sized;
  case Op::NULL_: return true;
  case Op::CONSTANT: return column.texts.count == 1;
  }
  return false;
}

inline bool is_sound(const Program &program) {
  if (program.count < 1 || program.key_count < 0 || program.key_count > KEY_MAX) return false;
  for (i64 i = 0; i < program.count; i++)
    if (program.columns[i].key >= program.key_count || !is_sound(program.columns[i])) return false;
  for (i64 i = 0; i < program.key_count; i++) {
    const i64 column = program.key_columns[i];
    if (column < 0 || column >= program.count || program.columns[column].key != i) return false;
  }
  return true;
}

}  // namespace udup
