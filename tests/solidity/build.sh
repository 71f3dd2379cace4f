#!/usr/bin/env bash
# Compiles the Solidity sources of this folder into the .hex files beside them: init
# code in hexadecimal, to which a deployment appends its encoded arguments. Only who
# changes a source needs this (and node with npm); the tests read the .hex files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# The compiler that the sources name.
SOLC=0.8.30
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
npm install --prefix "$tools" --no-fund --no-audit --silent "solc@$SOLC"
NODE_PATH=$tools/node_modules node - ./*.sol <<'JS'
const fs = require("fs"), path = require("path"), solc = require("solc");
for (const file of process.argv.slice(2)) {
  const name = path.basename(file, ".sol");
  const output = JSON.parse(solc.compile(JSON.stringify({
    language: "Solidity",
    sources: { [name]: { content: fs.readFileSync(file, "utf8") } },
    settings: {
      optimizer: { enabled: true, runs: 10000 },
      evmVersion: "shanghai",
      metadata: { appendCBOR: false, bytecodeHash: "none" },
      outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  })));
  const errors = output.errors || [];
  errors.forEach((error) => console.error(error.formattedMessage));
  if (errors.some((error) => error.severity === "error")) process.exit(1);
  const { bytecode, deployedBytecode } = output.contracts[name][name].evm;
  fs.writeFileSync(`${name}.hex`, bytecode.object + "\n");
  console.log(`${name}.hex: ${deployedBytecode.object.length / 2} bytes of runtime code`);
}
JS
