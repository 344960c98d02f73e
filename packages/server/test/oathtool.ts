import { generateSync } from "otplib";

// Stands in for `oathtool --totp --base32 SECRET`, which some machines lack.
process.stdout.write(`${generateSync({ secret: process.argv.at(-1) ?? "" })}\n`);
