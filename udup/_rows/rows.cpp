// The rows of a rows event as JSON texts: what the Python reader gives (udup/drivers/mysql/rowtext), byte for byte.
//
// It is loaded through ctypes and knows nothing of Python. One call reads as many rows as the output has room for. No
// read goes beyond the event, no write beyond the output. What is damaged, or not known here, is told by a number, and
// the Python reader is asked instead.

#include "bytes.h"
#include "check.h"
#include "program.h"
#include "tally.h"
#include "values.h"

#include <new>

namespace udup {
namespace {

// What a call returns instead of a number of rows; below them all it is minus the bytes of output that are wanted.
enum Refusal : i64 { DAMAGED = -1, KEY_CHANGED = -2, WANTED = -16 };

enum EventType : u8 { WRITE_V1 = 23, UPDATE_V1 = 24, DELETE_V1 = 25, WRITE = 30, UPDATE = 31, DELETE = 32 };

constexpr std::size_t HEADER_SIZE = 19;

// The columns that an image has: a bit for each column of the table. `only_large`: large values that it lacks are told.
struct Present {
  const u8 *bits;
  std::size_t count;
  bool only_large;

  bool has(i64 column) const { return bits[column / 8] >> column % 8 & 1; }
};

// A part of the output.
struct Span {
  const char *text;
  std::size_t size;

  bool operator!=(const Span &other) const { return size != other.size || std::memcmp(text, other.text, size) != 0; }
};

struct Front {
  bool has_before, has_after;
  Present before, after;

  bool is_update() const { return has_before && has_after; }
};

Present present(Input &in, const Program &program) {
  const std::size_t width = static_cast<std::size_t>(program.count + 7) / 8;
  Present found{in.take(width), 0, true};
  for (i64 i = 0; i < program.count; i++) {
    if (found.has(i)) found.count++;
    else found.only_large &= program.columns[i].large != 0;
  }
  return found;
}

Front front(Input &in, const Program &program) {
  const u8 type = in.take(HEADER_SIZE)[4];
  Front found{};
  found.has_before = type == UPDATE || type == DELETE || type == UPDATE_V1 || type == DELETE_V1;
  found.has_after = type == UPDATE || type == WRITE || type == UPDATE_V1 || type == WRITE_V1;
  if (!found.has_before && !found.has_after) throw Damaged{};
  in.take(8);
  if (type >= WRITE) {
    const u64 extra = in.number(2);
    if (extra < 2) throw Damaged{};
    in.take(extra - 2);
  }
  if (in.counted() != static_cast<u64>(program.count)) throw Damaged{};
  if (found.has_before) found.before = present(in, program);
  if (found.has_after) found.after = present(in, program);
  if (!found.before.count && !found.after.count) throw Damaged{};
  if (!found.has_before) found.after.only_large = true;  // what an INSERT lacks of large values is known
  return found;
}

// One image, and where the texts of the key's columns stand.
void put_image(Input &in, Output &out, const Program &program, const Present &present, Span *key) {
  const u8 *nulls = in.take((present.count + 7) / 8);
  std::size_t place = 0;
  out.put('{');
  std::size_t comma = 1;  // what is left out of the first label
  for (i64 i = 0; i < program.count; i++) {
    const Column &column = program.columns[i];
    const bool is_there = present.has(i);
    const bool is_null = is_there && (nulls[place / 8] >> place % 8 & 1);
    place += is_there;
    if (is_null && !column.nullable) throw Damaged{};
    if (!column.kept) {
      if (is_there && !is_null) taken(in, column);
      continue;
    }
    if (!is_there && !(present.only_large && column.unavailable.size)) continue;
    out.put(column.label.text + comma, static_cast<std::size_t>(column.label.size) - comma);
    comma = 0;
    const std::size_t value = out.size();
    if (!is_there) column.unavailable.put(out);
    else if (is_null) column.null.put(out);
    else put_value(in, out, column);
    if (is_there && column.key >= 0) key[column.key] = {out.begin + value, out.size() - value};
  }
  out.put('}');
}

void put_key(Output &out, const Program &program, const Span *key) {
  out.put('{');
  for (i64 i = 0; i < program.key_count; i++) {
    const Piece &name = program.columns[program.key_columns[i]].label;
    if (!key[i].text) throw Damaged{};
    out.put(name.text + !i, static_cast<std::size_t>(name.size) - !i);
    out.put(key[i].text, key[i].size);
  }
  out.put('}');
}

// The keys of a row before and after its change. An image after it that does not have a column has not changed it.
struct Keys {
  Span before[KEY_MAX];
  Span after[KEY_MAX];

  void reset(i64 count) {
    for (i64 i = 0; i < count; i++) before[i] = after[i] = {nullptr, 0};
  }

  // Fills up the key after the change, or that there is; returns whether an update has changed it.
  bool complete(i64 count, bool is_update) {
    bool changed = false;
    for (i64 i = 0; i < count; i++) {
      if (!after[i].text) after[i] = before[i];
      if (!after[i].text || (is_update && !before[i].text)) throw Damaged{};
      changed |= is_update && before[i] != after[i];
    }
    return changed;
  }
};

// One row for `values`: the value, then the key.
void put_whole(Input &in, Output &out, const Program &program, const Front &front, const Template &around, i64 row,
               Keys &keys, i64 *&offsets) {
  around.before.put(out);
  if (front.has_before) put_image(in, out, program, front.before, keys.before);
  else out.put("null");
  around.after.put(out);
  if (front.has_after) put_image(in, out, program, front.after, keys.after);
  else out.put("null");
  around.row.put(out);
  out.at = whole(out.room(NUMBER_ROOM), row);
  around.end.put(out);
  *offsets++ = static_cast<i64>(out.size());
  if (keys.complete(program.key_count, front.is_update())) throw KEY_CHANGED;
  if (program.key_count) put_key(out, program, keys.after);
  *offsets++ = static_cast<i64>(out.size());
}

// One row for `rows`: the image before, the one after, the key, and what it was if it has changed.
void put_parts(Input &in, Output &out, const Program &program, const Front &front, Keys &keys, i64 *&offsets) {
  if (front.has_before) put_image(in, out, program, front.before, keys.before);
  *offsets++ = static_cast<i64>(out.size());
  if (front.has_after) put_image(in, out, program, front.after, keys.after);
  *offsets++ = static_cast<i64>(out.size());
  const bool changed = keys.complete(program.key_count, front.is_update());
  if (program.key_count) put_key(out, program, keys.after);
  *offsets++ = static_cast<i64>(out.size());
  if (changed) put_key(out, program, keys.before);
  *offsets++ = static_cast<i64>(out.size());
}

// Returns how many rows have been written; `place` goes from where in the event the call begins, 0 for the first row,
// to where the next one does. `around` nullptr: the parts of a row, four offsets a row; else two.
i64 read(const Program &program, const u8 *event, std::size_t size, i64 &place, const Template *around, i64 first,
         Output out, i64 *offsets, i64 rows_max) {
  Input in{event, event + size};
  const Front found = front(in, program);
  if (place) in.at = event + place;
  if (in.at == in.end) throw Damaged{};
  i64 rows = 0;
  Keys keys;
  try {
    while (in.at < in.end && rows < rows_max) {
      keys.reset(program.key_count);
      if (around) put_whole(in, out, program, found, *around, first + rows, keys, offsets);
      else put_parts(in, out, program, found, keys, offsets);
      rows++;
      place = in.at - event;
    }
  } catch (const Full &full) {
    if (!rows) return WANTED - static_cast<i64>(full.wanted);
  }
  return rows;
}

// Writes what was counted, table by table: five numbers, the lengths of both names, the names. Returns how many tables,
// or minus the bytes of room that they take.
i64 put_counted(const Tally &tally, char *output, i64 capacity) {
  i64 wanted = 0;
  for (const Counted &each : tally.counted())
    wanted += static_cast<i64>(7 * sizeof(i64) + each.schema.size() + each.table.size());
  if (wanted > capacity) return -wanted;
  for (const Counted &each : tally.counted()) {
    const i64 numbers[] = {each.inserted, each.updated, each.deleted, each.uncounted, each.last,
                           static_cast<i64>(each.schema.size()), static_cast<i64>(each.table.size())};
    std::memcpy(output, numbers, sizeof numbers);
    output += sizeof numbers;
    for (const std::string *name : {&each.schema, &each.table}) {
      std::memcpy(output, name->data(), name->size());
      output += name->size();
    }
  }
  return static_cast<i64>(tally.counted().size());
}

}  // namespace
}  // namespace udup

extern "C" {

__attribute__((visibility("default"))) std::int64_t udup_rows_version() { return udup::VERSION; }

// Whether a program can be run; no other may be given to what reads.
__attribute__((visibility("default"))) std::int64_t udup_rows_check(const udup::Program *program) {
  return udup::is_sound(*program);
}

__attribute__((visibility("default"))) std::int64_t
udup_rows_read(const udup::Program *program, const std::uint8_t *event, std::int64_t size, std::int64_t *place,
               const udup::Template *around, std::int64_t first, char *output, std::int64_t capacity,
               std::int64_t *offsets, std::int64_t rows_max) {
  if (size < 0 || *place < 0 || *place > size) return udup::DAMAGED;
  try {
    return udup::read(*program, event, static_cast<std::size_t>(size), *place, around, first,
                      {output, output, output + capacity}, offsets, rows_max);
  } catch (const udup::Damaged &) {
    return udup::DAMAGED;
  } catch (udup::Refusal refusal) {
    return refusal;
  }
}

// What counts rows by table; it is given back to `udup_tally_end`.
__attribute__((visibility("default"))) void *udup_tally_begin() { return new (std::nothrow) udup::Tally; }

__attribute__((visibility("default"))) void udup_tally_end(void *tally) { delete static_cast<udup::Tally *>(tally); }

// Takes events, cut anywhere. Returns 0, or DAMAGED where there is no memory: then the tally is of no more use.
__attribute__((visibility("default"))) std::int64_t
udup_tally_feed(void *tally, const std::uint8_t *data, std::int64_t size, std::int64_t has_crc) {
  try {
    static_cast<udup::Tally *>(tally)->feed(data, static_cast<std::size_t>(size), has_crc != 0);
    return 0;
  } catch (const std::bad_alloc &) {
    return udup::DAMAGED;
  }
}

// Writes what was counted and forgets it, or returns minus the room that it takes and keeps it.
__attribute__((visibility("default"))) std::int64_t
udup_tally_take(void *tally, char *output, std::int64_t capacity) {
  udup::Tally &from = *static_cast<udup::Tally *>(tally);
  const std::int64_t found = udup::put_counted(from, output, capacity);
  if (found >= 0) from.forget();
  return found;
}

}  // extern "C"
