#!/usr/bin/env node
"use strict";
// CommonJS in the syntax of 2009, so that a Node.js of any age parses it and can say what it lacks.

var NEEDED = [24, 15];

var running = process.versions.node.split(".").map(Number);
if (running[0] < NEEDED[0] || (running[0] === NEEDED[0] && running[1] < NEEDED[1])) {
  process.stderr.write(
    "Holdfast needs Node.js " +
      NEEDED.join(".") +
      " or newer; this is " +
      process.versions.node +
      " (" +
      process.execPath +
      "). " +
      "Install a newer one from https://nodejs.org, or put it first on the PATH.\n"
  );
  process.exitCode = 2;
} else {
  start();
}

function start() {
  var path = require("path");
  var source = path.join(__dirname, "..", "src", "cli", "main.ts");
  var built = path.join(__dirname, "..", "dist", "command");
  if (!require("fs").existsSync(source)) {
    require(path.join(built, "launch.cjs")).launch(built, process.argv.slice(2));
    return;
  }
  // The exit code is set and the process left to end by itself, because process.exit() loses what a pipe has not taken yet.
  require(source)
    .main(process.argv.slice(2))
    .then(function (code) {
      process.exitCode = code;
    });
}
