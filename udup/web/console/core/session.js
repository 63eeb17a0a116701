// Who is signed in, and what they may do.
import { computed, signal } from './html.js';
import { get, signer } from './api.js';
import { session as tab } from './kept.js';

/** The API token; in memory, or until the tab is closed if the viewer wishes so. */
export const token = signal(tab.get('token') || '');

/** The answer of /v1/self, null until it came. */
export const self = signal(null);

/** 'write', 'read', or null while that is not known. */
export const role = computed(() => (self.value ? self.value.Role || 'write' : null));

/** Whether acts are shown. */
export const canWrite = computed(() => role.value === 'write');

/** '' while signed in, 'start' before anything was shown, 'later' when the token was refused in between. */
export const signedOut = signal('');

/** Ask who we are; `ApiError` if the node does not tell. */
export async function introduce() {
  self.value = await get('self');
  signedOut.value = '';
}

/** Try a token; kept until the tab is closed if `keep`. `ApiError` if it is not accepted. */
export async function signIn(given, keep) {
  const before = token.value;
  token.value = given;
  try {
    await introduce();
  } catch (error) {
    token.value = before;
    throw error;
  }
  tab.set('token', keep ? given : null);
}

/** Forget the token. */
export function signOut() {
  token.value = '';
  tab.set('token', null);
  self.value = null;
  signedOut.value = 'start';
}

/** The node has refused the token: the page stays, and asks for another one. */
export function refused() {
  if (!signedOut.value) signedOut.value = self.value ? 'later' : 'start';
}

signer.token = () => token.value;
signer.refused = refused;
