// These constants say how long each confirmation stays open, in seconds. How recent a proof must be
// is part of the contract: see `stepUps`.

/** A mailed code (RG-03). */
export const CODE_SECONDS = 600;

/** A mailed link, unless its flow has a lifetime of its own (RG-03). */
export const LINK_SECONDS = 86_400;

/** The link of a password reset (RS-01). The code beside it lives as long as every code. */
export const RESET_LINK_SECONDS = 1800;

/** The link that undoes a change of address. An owner who is away for a weekend is in time. */
export const UNDO_LINK_SECONDS = 3 * 86_400;

/** The link that creates the first superuser (LG-12). */
export const SETUP_LINK_SECONDS = 3600;

/** The second step of a sign-in (MF-03). */
export const CHALLENGE_SECONDS = 300;

/** A passkey ceremony, from the options to the browser's result. */
export const CEREMONY_SECONDS = 300;

/** A new authenticator app, until its first code. */
export const UNCONFIRMED_APP_SECONDS = 900;
