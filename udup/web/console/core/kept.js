// What this browser keeps for the viewer: never a password. A browser that keeps nothing is no error.
const own = name => `udup.${name}`;

function store(area) {
  return {
    get(name) {
      try { return window[area].getItem(own(name)); } catch { return null; }
    },
    set(name, value) {
      try {
        if (value === null || value === undefined) window[area].removeItem(own(name));
        else window[area].setItem(own(name), String(value));
      } catch { /* the browser was told to keep nothing */ }
    },
  };
}

/** For all tabs and days: language, theme, folded groups. */
export const kept = store('localStorage');

/** Until this tab is closed: the token, drafts. */
export const session = store('sessionStorage');
