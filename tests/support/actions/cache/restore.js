// Brings the folder back where the key is known, and says so.
const fs = require("node:fs");
const path = require("node:path");

const kept = path.join(process.env.CACHE_OF_TEST, process.env.INPUT_KEY);
const hit = fs.existsSync(kept);
if (hit) fs.cpSync(kept, process.env.INPUT_PATH, { recursive: true, verbatimSymlinks: true });
fs.appendFileSync(process.env.GITHUB_OUTPUT, `cache-hit=${hit}\n`);
