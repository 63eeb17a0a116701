// How many rows of which table events change: rows are walked over by the widths of their columns, and none is read.
//
// Events come in one piece or cut anywhere; what is held of them is what an earlier piece has ended in the middle of: a
// length, a bitmap, a TABLE_MAP. No read goes beyond what was given. Rows that cannot be walked over are told apart.
#pragma once

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bytes.h"

namespace udup {

// What a table's rows have come to since it was taken last. `last` is where the last of its events begins in what was
// fed since then; `uncounted` are events whose rows are not known.
struct Counted {
  std::string schema, table;
  i64 inserted = 0, updated = 0, deleted = 0, uncounted = 0, last = 0;
};

// Bytes of a value: `fixed`, or as the `prefix` in front of it says, which has so many.
struct Width {
  u64 fixed;
  unsigned prefix;
};

class Tally {
 public:
  void feed(const u8 *data, std::size_t size, bool has_crc) {
    in_ = {data, data + size};
    fed_ = data;
    crc_ = has_crc ? 4 : 0;
    run();
    before_ += static_cast<i64>(size);
  }

  const std::vector<Counted> &counted() const { return counted_; }

  // Begins to count again. What is known of tables stays.
  void forget() {
    held_.clear();
    state_ = State::HEADER;
    skipping_ = 0;
    to_ = nullptr;
    known_ = nullptr;
    counted_.clear();
    places_.clear();
    round_++;
    before_ = 0;
  }

 private:
  enum class State { HEADER, MAP, FRONT, COLUMNS, MANY_COLUMNS, BITMAPS, ROW, OPTIONS, PARTIAL, NULLS, VALUES };

  struct Known {
    std::string definition;
    std::string schema, table;
    std::vector<Width> columns;
    unsigned documents = 0;
    bool walked = false;  // its columns are all known
    u64 round = 0;
    std::size_t place = 0;
  };

  // Bytes of a TABLE_MAP, and TABLE_MAPs that are kept, at most.
  static constexpr std::size_t MAP_MAX = 16u << 20, KNOWN_MAX = 4096;
  static constexpr std::size_t HEADER = 19;
  static constexpr u8 PARTIAL_UPDATE = 39;

  Input in_{};
  const u8 *fed_ = nullptr;
  i64 before_ = 0;  // bytes fed before these
  std::size_t crc_ = 0;
  State state_ = State::HEADER;
  u64 skipping_ = 0;
  std::vector<u8> held_, whole_;
  u64 body_ = 0;  // bytes of the event that are not done with
  u8 type_ = 0;
  i64 began_ = 0;
  bool statement_ended_ = true;
  Known *known_ = nullptr;
  Counted *to_ = nullptr;
  std::vector<u8> present_[2], nulls_;
  std::size_t image_ = 0, images_ = 0, column_ = 0, place_ = 0, present_count_[2] = {0, 0};
  u64 round_ = 1;
  std::unordered_map<u64, Known> maps_;
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<Counted> counted_;

  static bool is_set(const std::vector<u8> &bits, std::size_t place) { return bits[place / 8] >> place % 8 & 1; }
  static bool is_first(u8 type) { return type >= 23 && type <= 25; }
  static bool is_insert(u8 type) { return type == 30 || type == 23; }
  static bool is_delete(u8 type) { return type == 32 || type == 25; }
  static bool is_update(u8 type) { return type == 31 || type == 24 || type == 39; }

  // So many bytes of the event together, nullptr until all of them have come.
  const u8 *together(std::size_t size) {
    if (size > body_) throw Damaged{};
    if (held_.empty()) {
      if (in_.left() >= size) {
        body_ -= size;
        return in_.take(size);
      }
      held_.assign(in_.at, in_.end);
      in_.at = in_.end;
      return nullptr;
    }
    const std::size_t more = std::min(size - held_.size(), in_.left());
    held_.insert(held_.end(), in_.at, in_.at + more);
    in_.at += more;
    if (held_.size() < size) return nullptr;
    whole_.swap(held_);
    held_.clear();
    body_ -= size;
    return whole_.data();
  }

  void skip(u64 size) {
    if (size > body_) throw Damaged{};
    body_ -= size;
    pass(size);
  }

  void pass(u64 size) {
    const u64 now = std::min<u64>(size, in_.left());
    in_.at += now;
    skipping_ += size - now;
  }

  void run() {
    for (;;) {
      if (skipping_) pass(std::exchange(skipping_, 0));
      if (skipping_) return;
      try {
        if (!step()) return;
      } catch (const Damaged &) {
        if (state_ == State::HEADER) {  // a size that is none: nothing that follows can be told apart
          in_.at = in_.end;
          return;
        }
        if (to_) to_->uncounted++;
        end_event();
      }
    }
  }

  void end_event() {
    held_.clear();
    pass(std::exchange(body_, 0));
    pass(crc_);
    to_ = nullptr;
    known_ = nullptr;
    state_ = State::HEADER;
  }

  // Does one step; false if more bytes must come first.
  bool step() {
    switch (state_) {
    case State::HEADER: return header();
    case State::MAP: return map();
    case State::FRONT: return front();
    case State::COLUMNS: return columns(1);
    case State::MANY_COLUMNS: return columns(2);
    case State::BITMAPS: return bitmaps();
    case State::ROW: return row();
    case State::OPTIONS: return options();
    case State::PARTIAL: return partial();
    case State::NULLS: return nulls();
    case State::VALUES: return values();
    }
    return false;
  }

  bool header() {
    if (held_.empty() && !in_.left()) return false;
    if (held_.empty()) began_ = before_ + (in_.at - fed_);
    body_ = HEADER;
    const u8 *p = together(HEADER);
    if (!p) return false;
    const u64 size = little(p + 9, 4);
    type_ = p[4];
    if (size < HEADER + crc_) throw Damaged{};
    body_ = size - HEADER - crc_;
    if (type_ == 19 && body_ <= MAP_MAX) state_ = State::MAP;
    else if (is_insert(type_) || is_update(type_) || is_delete(type_)) state_ = State::FRONT;
    else end_event();
    return true;
  }

  bool map() {
    const std::size_t size = body_;
    const u8 *p = together(size);
    if (!p) return false;
    Input in{p, p + size};
    const u64 id = in.number(6);
    if (statement_ended_ && maps_.size() >= KNOWN_MAX) maps_.clear();
    statement_ended_ = false;
    Known &known = maps_[id];
    const std::string definition(reinterpret_cast<const char *>(in.at), in.left());
    if (known.definition != definition) {
      known = Known{};
      known.definition = definition;
      learn(known, in);
    }
    end_event();
    return true;
  }

  static std::string name(Input &in) {
    const std::size_t size = in.number(1);
    const u8 *p = in.take(size + 1);
    return {reinterpret_cast<const char *>(p), size};
  }

  static void learn(Known &known, Input in) {
    in.take(2);
    known.schema = name(in);
    known.table = name(in);
    const std::size_t count = in.counted();
    const u8 *types = in.take(count);
    const u64 size = in.counted();
    const u8 *p = in.take(size);
    Input metadata{p, p + size};
    known.columns.reserve(count);
    for (std::size_t i = 0; i < count; i++) {
      Width width{};
      if (!width_of(types[i], metadata, width)) return;
      known.columns.push_back(width);
      known.documents += types[i] == 245;
    }
    known.walked = true;
  }

  static u64 of_digits(u64 digits) { return digits / 9 * 4 + (digits % 9 + 1) / 2; }

  static bool width_of(u8 type, Input &metadata, Width &width) {
    switch (type) {
    case 1: case 13: width.fixed = 1; return true;
    case 2: width.fixed = 2; return true;
    case 9: case 10: case 11: case 14: width.fixed = 3; return true;
    case 3: case 7: width.fixed = 4; return true;
    case 8: case 12: width.fixed = 8; return true;
    case 4: case 5: width.fixed = metadata.number(1); return true;
    case 17: width.fixed = 4 + (metadata.number(1) + 1) / 2; return true;
    case 18: width.fixed = 5 + (metadata.number(1) + 1) / 2; return true;
    case 19: width.fixed = 3 + (metadata.number(1) + 1) / 2; return true;
    case 16: {
      const u64 bits = metadata.number(1);
      width.fixed = metadata.number(1) + (bits ? 1 : 0);
      return true;
    }
    case 246: {
      const u64 precision = metadata.number(1), scale = metadata.number(1);
      if (scale > precision) throw Damaged{};
      width.fixed = of_digits(precision - scale) + of_digits(scale);
      return true;
    }
    case 15: case 253: case 141: width.prefix = metadata.number(2) > 255 ? 2 : 1; return true;
    case 254: {
      const u64 first = metadata.number(1), second = metadata.number(1);
      if (first == 247 || first == 248) width.fixed = second;
      else width.prefix = (((first & 0x30) ^ 0x30) << 4 | second) > 255 ? 2 : 1;
      return true;
    }
    case 140: case 242: case 245: case 249: case 250: case 251: case 252: case 255:
      width.prefix = static_cast<unsigned>(metadata.number(1));
      return width.prefix >= 1 && width.prefix <= 4;
    }
    return false;
  }

  bool front() {
    const bool first = is_first(type_);
    const u8 *p = together(first ? 8 : 10);
    if (!p) return false;
    statement_ended_ |= little(p + 6, 2) & 1;
    const auto found = maps_.find(little(p, 6));
    if (found == maps_.end()) {
      end_event();
      return true;
    }
    known_ = &found->second;
    to_ = &counted();
    to_->last = began_;
    const u64 extra = first ? 2 : little(p + 8, 2);
    if (extra < 2 || !known_->walked) throw Damaged{};
    skip(extra - 2);
    state_ = State::COLUMNS;
    return true;
  }

  Counted &counted() {
    if (known_->round != round_) {
      const auto made = places_.try_emplace(known_->schema + '\0' + known_->table, counted_.size());
      if (made.second) {
        counted_.emplace_back();
        counted_.back().schema = known_->schema;
        counted_.back().table = known_->table;
      }
      known_->round = round_;
      known_->place = made.first->second;
    }
    return counted_[known_->place];
  }

  bool columns(std::size_t size) {
    const u8 *p = together(size);
    if (!p) return false;
    const u64 count = little(p, size);
    if (size == 1 && count == 252) {
      state_ = State::MANY_COLUMNS;
      return true;
    }
    if (count != known_->columns.size() || !count) throw Damaged{};
    state_ = State::BITMAPS;
    return true;
  }

  bool bitmaps() {
    images_ = is_update(type_) ? 2 : 1;
    const std::size_t width = (known_->columns.size() + 7) / 8;
    const u8 *p = together(width * images_);
    if (!p) return false;
    std::size_t all = 0;
    for (std::size_t i = 0; i < images_; i++) {
      present_[i].assign(p + i * width, p + (i + 1) * width);
      std::size_t &count = present_count_[i] = 0;
      for (std::size_t column = 0; column < known_->columns.size(); column++) count += is_set(present_[i], column);
      all += count;
    }
    image_ = 0;
    if (!all && type_ != PARTIAL_UPDATE) {
      if (body_) throw Damaged{};
      count_row();  // a MINIMAL image of nothing but defaults has no byte: one row is logged so
    }
    state_ = State::ROW;
    return true;
  }

  // Begins an image.
  bool row() {
    if (!image_ && !body_) {
      end_event();
      return true;
    }
    state_ = image_ && type_ == PARTIAL_UPDATE ? State::OPTIONS : State::NULLS;
    return true;
  }

  // In front of the second image of a partial update: whether a bitmap of the documents follows that are partial.
  bool options() {
    const u8 *p = together(1);
    if (!p) return false;
    if (*p > 1) throw Damaged{};
    state_ = *p ? State::PARTIAL : State::NULLS;
    return true;
  }

  bool partial() {
    if (!together((known_->documents + 7) / 8)) return false;
    state_ = State::NULLS;
    return true;
  }

  bool nulls() {
    const std::size_t width = (present_count_[image_] + 7) / 8;
    const u8 *p = together(width);
    if (!p) return false;
    nulls_.assign(p, p + width);
    column_ = place_ = 0;
    state_ = State::VALUES;
    return true;
  }

  bool values() {
    const std::vector<Width> &columns = known_->columns;
    const std::vector<u8> &present = present_[image_];
    for (; column_ < columns.size(); column_++) {
      if (!is_set(present, column_)) continue;
      if (!is_set(nulls_, place_)) {
        const Width &width = columns[column_];
        if (width.prefix) {
          const u8 *p = together(width.prefix);
          if (!p) return false;
          skip(little(p, width.prefix));
        } else {
          skip(width.fixed);
        }
      }
      place_++;
      if (skipping_) {
        column_++;
        return true;
      }
    }
    state_ = State::ROW;
    if (++image_ < images_) return true;
    image_ = 0;
    count_row();
    return true;
  }

  void count_row() {
    if (is_insert(type_)) to_->inserted++;
    else if (is_delete(type_)) to_->deleted++;
    else to_->updated++;
  }
};

}  // namespace udup
