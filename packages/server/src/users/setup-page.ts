import type { Page } from "../http/page.ts";
import type { Random } from "../kernel/random.ts";

/** `/setup`: reads the one-time token from the address's fragment, which browsers send nowhere, and posts the form. */
export function setupPage(random: Random): Page {
  return {
    name: "setup",
    method: "GET",
    path: "/setup",
    visit: () => {
      const nonce = random.bytes(16).toString("base64");
      const policy = `default-src 'none'; style-src 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`;
      return {
        kind: "page",
        status: 200,
        body: html(nonce),
        headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": policy },
      };
    },
  };
}

function html(nonce: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Set up Portcullis</title>
<style nonce="${nonce}">
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 12vh auto; padding: 0 1rem; }
label { display: block; margin: 1rem 0 .25rem; font-weight: 600; }
input { width: 100%; box-sizing: border-box; font: inherit; padding: .5rem .6rem; border: 1px solid #888; border-radius: 6px; }
button { margin-top: 1.5rem; font: inherit; font-weight: 600; padding: .6rem 1.2rem; border: 0; border-radius: 6px; background: #1c5d99; color: #fff; cursor: pointer; }
button:disabled { opacity: .5; cursor: default; }
#said { margin-top: 1rem; }
</style>
</head>
<body>
<main>
<h1>Set up Portcullis</h1>
<p>Create the first superuser. This link works once.</p>
<form id="form">
<label for="email">E-mail address</label>
<input id="email" type="email" autocomplete="username" required>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="new-password" minlength="8" required>
<button id="send">Create superuser</button>
</form>
<p id="said" role="status"></p>
</main>
<script nonce="${nonce}">
const reasons = {
  too_short: "The password is too short.",
  too_long: "The password is too long.",
  common: "Many people use this password; choose another.",
  contains_context: "The password is made of your address or of the service's name; choose another.",
  forbidden_character: "The password has a character that cannot be used.",
};
const token = location.hash.slice(1);
const form = document.getElementById("form");
const send = document.getElementById("send");
const said = document.getElementById("said");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  send.disabled = true;
  const body = JSON.stringify({ setupToken: token, email: form.email.value, password: form.password.value });
  const response = await fetch("/v1/setup", { method: "POST", headers: { "content-type": "application/json" }, body }).catch(() => undefined);
  if (response?.status === 201) {
    form.remove();
    history.replaceState(null, "", location.pathname);
    said.textContent = "The superuser has been created. You can close this page and sign in.";
    return;
  }
  const problem = await response?.json().catch(() => undefined);
  said.textContent = reasons[problem?.reason] ?? (problem?.errors ? "This is not an e-mail address we can use." : problem?.title) ?? "The server cannot be reached.";
  send.disabled = false;
});
</script>
</body>
</html>
`;
}
