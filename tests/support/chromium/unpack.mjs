// Decompresses the parts of @sparticuz/chromium into a directory: node unpack.mjs DIRECTORY
import { createReadStream, createWriteStream, readdirSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";

const packed = fileURLToPath(new URL("node_modules/@sparticuz/chromium/bin/", import.meta.url));
for (const name of readdirSync(packed)) {
  const target = `${process.argv[2]}/${name.replace(/\.br$/, "")}`;
  await pipeline(createReadStream(packed + name), createBrotliDecompress(), createWriteStream(target));
}
