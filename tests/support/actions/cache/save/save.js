// Keeps the folder under its key, once.
const { execFileSync } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const kept = path.join(process.env.CACHE_OF_TEST, `${process.env.INPUT_KEY}.tar`);
if (!fs.existsSync(kept) && fs.existsSync(process.env.INPUT_PATH)) {
  execFileSync("tar", ["-c", "-f", `${kept}.new`, "-C", process.env.INPUT_PATH, "."]);
  fs.renameSync(`${kept}.new`, kept);
}
