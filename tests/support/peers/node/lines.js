// Answers each line of standard input, "verb word word…", by one line: what the verb's function resolves to.
'use strict';
const readline = require('node:readline');

function answerLines(verbs) {
  let turn = Promise.resolve();
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', line => {
    const [verb, ...words] = line.split(' ');
    turn = turn.then(() => verbs[verb](words)).catch(error => `wrong: ${error.message || error}`)
      .then(answer => console.log(answer));
  });
  lines.on('close', () => turn.then(() => process.exit(0)));
}

module.exports = { answerLines };
