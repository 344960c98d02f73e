/** The facts about the service that the server writes into the page. */
export interface Settings {
  /** The path of the public URL without a slash at its end, for example `` or `/id`. */
  readonly base: string;
  readonly serviceName: string;
  readonly language: "en" | "de";
  readonly registration: "confirm" | "immediate" | "closed";
  /** The shortest password that is accepted, in code points. */
  readonly minimumPasswordLength: number;
  /** Whether users are asked for a username when they register. */
  readonly usernames: boolean;
  /** Whether users may set up second factors at all. */
  readonly factors: boolean;
  readonly emailCodes: boolean;
  /** How many days a device can be remembered, or `null` if it cannot. */
  readonly rememberDays: number | null;
  /** The properties of the operator's JSON Schema for profiles, or `null` without a schema. */
  readonly profileFields: Readonly<Record<string, ProfileField>> | null;
  readonly requiredFields: readonly string[];
  readonly brand: Brand;
  /** The listed address to return to after the sign-in, and whether another one was refused. */
  readonly returning: { readonly to: string | null; readonly refused: boolean };
}

export interface ProfileField {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly maxLength?: number;
  readonly readOnly?: boolean;
}

export interface Brand {
  readonly logo: string | null;
  readonly color: string | null;
  readonly darkColor: string | null;
  readonly radius: string | null;
  readonly links: readonly { readonly name: string; readonly url: string }[];
}

interface Given extends Settings {
  /** Lets Mantine's own style elements pass the Content-Security-Policy. */
  readonly nonce: string;
}

function read(): Given {
  const text = document.getElementById("settings")?.textContent;
  if (text === undefined || text === "") throw new Error("The page has no settings.");
  return JSON.parse(text);
}

const given = read();
export const settings: Settings = given;
export const styleNonce = given.nonce;
