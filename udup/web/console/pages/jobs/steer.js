// Keys of the list: j and k go from row to row, Enter opens the job (it is the name's link that has the focus).
const links = card => [...(card.current?.querySelectorAll('a.name') || [])];

function step(card, by) {
  const all = links(card);
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.closest('tr').scrollIntoView({ block: 'nearest' });
  return Boolean(next);
}

/** Arrows scroll the page until a row has the focus. */
const isInList = card => card.current?.contains(document.activeElement);

export const steer = card => ({
  j: () => step(card, 1),
  k: () => step(card, -1),
  ArrowDown: () => isInList(card) && step(card, 1),
  ArrowUp: () => isInList(card) && step(card, -1),
});
