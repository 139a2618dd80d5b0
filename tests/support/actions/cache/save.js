// Keeps the folder under its key, once.
const fs = require("node:fs");
const path = require("node:path");

const kept = path.join(process.env.CACHE_OF_TEST, process.env.INPUT_KEY);
if (!fs.existsSync(kept) && fs.existsSync(process.env.INPUT_PATH)) {
  fs.cpSync(process.env.INPUT_PATH, `${kept}.new`, { recursive: true, verbatimSymlinks: true });
  fs.renameSync(`${kept}.new`, kept);
}
