/** Counting with GTID sets, as far as a page needs it. */

/** Return how many transactions a set of MySQL has, null for what is none. */
export function count(set) {
  let found = 0;
  for (const part of String(set ?? '').replaceAll(/\s/g, '').split(',').filter(Boolean)) {
    const [server, ...intervals] = part.split(':');
    if (!/^[0-9a-f-]{36}$/i.test(server) || !intervals.length) return null;
    for (const interval of intervals) {
      const [from, to = from] = interval.split('-').map(Number);
      if (Number.isNaN(from)) { if (/^[a-z_]\w*$/i.test(interval)) continue; return null; } // a tag of MySQL 8.3 and later
      found += to - from + 1;
    }
  }
  return found;
}

/** Return how many transactions of `all` are not in `some`, a part of it; null where that is not known. */
export function missing(all, some) {
  const [whole, part] = [count(all), count(some)];
  return !all || whole === null || part === null || String(all + some).includes('…') ? null : Math.max(0, whole - part);
}
