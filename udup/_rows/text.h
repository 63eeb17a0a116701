// Strings as JSON has them: UTF-8 that is checked, or a character set of one byte through a table of texts.
#pragma once

#include "bytes.h"

namespace udup {

// Bytes of the input that are written at a time, so that room for the worst of them is little.
constexpr std::size_t CHUNK = 4096;

constexpr char REPLACEMENT[] = "\xef\xbf\xbd";

// For each byte: 0 for one that stands for itself, the letter behind the backslash, or 'u'.
struct Escapes {
  char letter[256];

  constexpr Escapes() : letter{} {
    for (int code = 0; code < 32; code++) letter[code] = 'u';
    letter['"'] = '"';
    letter['\\'] = '\\';
    letter['\b'] = 'b';
    letter['\t'] = 't';
    letter['\n'] = 'n';
    letter['\f'] = 'f';
    letter['\r'] = 'r';
  }
};
constexpr Escapes ESCAPES;

// Whether eight bytes are all ASCII and need no escape.
inline bool is_plain(u64 eight) {
  constexpr u64 ones = 0x0101010101010101u, tops = 0x8080808080808080u;
  const u64 quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
  return !((eight | (eight - ones * 0x20) | (quote - ones) | (backslash - ones)) & tops);
}

// Copies what stands for itself, eight bytes at a time, and returns where that ends.
inline const u8 *copy_plain(char *&o, const u8 *p, const u8 *end) {
  while (end - p >= 8) {
    const u64 eight = raw<u64>(p);
    if (!is_plain(eight)) break;
    std::memcpy(o, &eight, 8);
    o += 8;
    p += 8;
  }
  return p;
}

// The bytes of the character that begins here; below zero those that are none, as Unicode counts them.
inline int utf8_size(const u8 *p, const u8 *end) {
  const u8 first = *p;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return -1;
  const int size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  const u8 low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const u8 high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (p + 1 >= end || p[1] < low || p[1] > high) return -1;
  for (int i = 2; i < size; i++)
    if (p + i >= end || (p[i] & 0xc0) != 0x80) return -i;
  return size;
}

// How a string is written: into JSON, or into a JSON text that stands in a JSON string, where escapes have two slashes,
// and capitals in their numbers, as Debezium has them, or none, as the server has them.
enum class Into { JSON, DOCUMENT, DATABASE_DOCUMENT };

constexpr std::size_t escape_size(Into into) { return into == Into::JSON ? 6 : 7; }

// One control character, quote or backslash.
template <Into into> char *escaped(char *o, u8 byte) {
  const char letter = ESCAPES.letter[byte];
  if (into != Into::JSON && letter == '\\') return literal(o, "\\\\\\\\");
  if (into != Into::JSON && letter == '"') return literal(o, "\\\\\\\"");
  *o++ = '\\';
  if (into != Into::JSON) *o++ = '\\';
  *o++ = letter;
  if (letter != 'u') return o;
  constexpr const char *digits = into == Into::DOCUMENT ? "0123456789ABCDEF" : "0123456789abcdef";
  o = literal(o, "00");
  *o++ = digits[byte >> 4];
  *o++ = digits[byte & 15];
  return o;
}

// UTF-8 without quotes around it. Bytes that are no character are replaced; no document has any.
template <Into into> void put_utf8(Output &out, const u8 *p, const u8 *end) {
  while (p < end) {
    const u8 *stop = static_cast<std::size_t>(end - p) > CHUNK ? p + CHUNK : end;
    char *o = out.room(escape_size(into) * static_cast<std::size_t>(stop - p) + 8);
    while (p < stop) {
      p = copy_plain(o, p, stop);
      if (p == stop) break;
      if (*p < 0x80) {
        if (ESCAPES.letter[*p]) o = escaped<into>(o, *p);
        else *o++ = static_cast<char>(*p);
        p++;
        continue;
      }
      const int size = utf8_size(p, end);
      if (size > 0) {
        std::memcpy(o, p, static_cast<std::size_t>(size));
        o += size;
        p += size;
      } else {
        if (into != Into::JSON) throw Damaged{};
        o = literal(o, REPLACEMENT);
        p -= size;
      }
    }
    out.at = o;
  }
}

// A table of the texts of 256 bytes: `starts` has 257 places in `texts`.
struct Texts {
  const char *texts;
  const i64 *starts;
  i64 count;

  Piece operator[](u64 index) const { return {texts + starts[index], starts[index + 1] - starts[index]}; }
};

// Text of one byte a character. `ascii`: the table leaves ASCII as JSON has it.
inline void put_mapped(Output &out, const u8 *p, const u8 *end, const Texts &table, bool ascii) {
  while (p < end) {
    const u8 *stop = static_cast<std::size_t>(end - p) > CHUNK ? p + CHUNK : end;
    char *o = out.room(6 * static_cast<std::size_t>(stop - p) + 16);
    while (p < stop) {
      if (ascii) p = copy_plain(o, p, stop);
      if (p == stop) break;
      const Piece piece = table[*p++];
      std::memcpy(o, piece.text, static_cast<std::size_t>(piece.size));
      o += piece.size;
    }
    out.at = o;
  }
}

// ---- Bytes as text ----

constexpr char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char BASE64_URL[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The caller has made room for four bytes for each three.
inline char *base64(char *o, const u8 *p, std::size_t size, const char *letters = BASE64) {
  for (; size >= 3; size -= 3, p += 3) {
    *o++ = letters[p[0] >> 2];
    *o++ = letters[(p[0] & 3) << 4 | p[1] >> 4];
    *o++ = letters[(p[1] & 15) << 2 | p[2] >> 6];
    *o++ = letters[p[2] & 63];
  }
  if (!size) return o;
  *o++ = letters[p[0] >> 2];
  *o++ = letters[(p[0] & 3) << 4 | (size == 2 ? p[1] >> 4 : 0)];
  *o++ = size == 2 ? letters[(p[1] & 15) << 2] : '=';
  *o++ = '=';
  return o;
}

inline void put_base64(Output &out, const u8 *p, std::size_t size, const char *letters = BASE64) {
  out.at = base64(out.room(size / 3 * 4 + 4), p, size, letters);
}

inline void put_hex(Output &out, const u8 *p, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  char *o = out.room(2 * size);
  for (std::size_t i = 0; i < size; i++) {
    *o++ = digits[p[i] >> 4];
    *o++ = digits[p[i] & 15];
  }
  out.at = o;
}

}  // namespace udup
