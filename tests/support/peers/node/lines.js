// Answers each line of standard input, "verb word word…", by one line: what the verb's function resolves
// to. Required first: what libraries have to say goes to standard error.
'use strict';
console.log = console.info = console.warn = console.error;
const readline = require('node:readline');

function answerLines(verbs) {
  let turn = Promise.resolve();
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', line => {
    const [verb, ...words] = line.split(' ');
    turn = turn.then(() => verbs[verb](words)).catch(error => `wrong: ${error.message || error}`)
      .then(answer => process.stdout.write(`${answer}\n`));
  });
  lines.on('close', () => turn.then(() => process.exit(0)));
}

module.exports = { answerLines };
