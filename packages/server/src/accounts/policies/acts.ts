import { stepUps, type StepUp } from "@portcullis/contract";

/**
 * The conditions that a caller must meet, and the proofs that they must have given, before an act
 * is done for them.
 */
export interface Demands {
  /** Only a superuser may do it, and must have shown a second factor if they have one. */
  readonly superuser?: true;
  /** A user whose account is paused may do it, too. Without this, the account must be active. */
  readonly whilePaused?: true;
  /** The recent proof that the act needs. */
  readonly proof?: StepUp;
  /** The rule of this act asks for the password once more, with attempts of its own (LG-04). */
  readonly password?: true;
}

const { freshProof, recentFactor, adminAct } = stepUps;

/**
 * Everything that a signed-in caller can ask for, with what it demands. Native endpoints and faces
 * name the same acts, so that an act asks for the same proof at every door (AD-14).
 */
export const acts = {
  readOwnToken: { whilePaused: true },
  endOwnSession: { whilePaused: true },
  readOwnAccount: {},
  changeOwnProfile: {},
  readOwnActivity: {},
  exportOwnData: { proof: recentFactor },
  listOwnSessions: {},
  stepUp: {},
  confirmEmail: {},
  readOwnFactors: {},
  listRememberedDevices: {},
  forgetRememberedDevice: {},
  deleteAccount: { proof: recentFactor, password: true },
  changePassword: { proof: recentFactor, password: true },
  changeEmail: { proof: recentFactor, password: true },
  changeUsername: { proof: recentFactor, password: true },
  addFactor: { proof: freshProof },
  renameFactor: { proof: freshProof },
  removeFactor: { proof: freshProof },
  makeRecoveryCodes: { proof: freshProof },
  removePassword: { proof: freshProof },
  /** The list of all users at a face, if the operator has opened it to every user. */
  browseUsers: {},
  /** A face's call that ends the user's other sessions and gives out a new token for this one. */
  replaceSessions: {},

  listUsers: { superuser: true },
  readUser: { superuser: true },
  listSessionsOfUser: { superuser: true },
  readFactorsOfUser: { superuser: true },
  readMfaReport: { superuser: true },
  listRevocations: { superuser: true },
  listAudit: { superuser: true },
  listKeys: { superuser: true },
  readFigures: { superuser: true },
  listMails: { superuser: true },
  listSuppressions: { superuser: true },
  changeUser: { superuser: true, proof: adminAct },
  disableUser: { superuser: true, proof: adminAct },
  enableUser: { superuser: true, proof: adminAct },
  deleteUser: { superuser: true, proof: adminAct },
  endSessionsOfUser: { superuser: true, proof: adminAct },
  endEverySession: { superuser: true, proof: adminAct },
  resetPasswordOfUser: { superuser: true, proof: adminAct },
  resetFactors: { superuser: true, proof: adminAct },
  sendMailAgain: { superuser: true, proof: adminAct },
  suppressAddress: { superuser: true, proof: adminAct },
  clearSuppression: { superuser: true, proof: adminAct },
} as const satisfies Readonly<Record<string, Demands>>;

export type Act = keyof typeof acts;

/** A door that asks nothing about a caller says so with this word in place of an act. */
export type ActOrPublic = Act | "public";

export function demandsOf(act: Act): Demands {
  return acts[act];
}
