// An S7 client on nodes7, an implementation of its own, driven by lines; each is answered by one line:
//
//   s7_client.js ADDRESS
//
//   read ITEM…           "ok 1 2": DB1,INT0  DB1,REAL4  DB1,BYTE8 …, all in one job
//   write ITEM=VALUE…    "ok", or "denied: 3": the return codes of items that were not written
'use strict';
const { answerLines } = require('./lines.js');
const NodeS7 = require('nodes7');

const connection = new NodeS7({ silent: true });
connection.globalTimeout = 10000;

function connect(address) {
  return new Promise((resolve, reject) => {
    connection.initiateConnection({ host: address, port: 102, rack: 0, slot: 1, timeout: 10000 },
      error => error ? reject(new Error(`connect: ${JSON.stringify(error)}`)) : resolve());
  });
}

function read(items) {
  connection.removeItems();
  connection.addItems(items);
  return new Promise(resolve => connection.readAllItems((bad, values) => {
    const texts = items.map(item => values[item]);
    resolve(bad ? `denied: ${texts.join(' ')}` : `ok ${texts.join(' ')}`);
  }));
}

function write(pairs) {
  const items = pairs.map(pair => pair.split('=')[0]);
  const values = pairs.map(pair => Number(pair.split('=')[1]));
  return new Promise(resolve => {
    const refused = connection.writeItems(items, values, bad => {
      const sent = connection.writePacketArray.flatMap(packet => packet.itemList);
      const codes = sent.map(item => item.writeResponse ?? item.errCode);
      resolve(bad ? `denied: ${codes.join(' ')}` : 'ok');
    });
    if (refused) resolve('wrong: another write is still going on');
  });
}

connect(process.argv[2]).then(() => answerLines({ read, write }),
  error => { process.stdout.write(`wrong: ${error.message}\n`); process.exit(1); });
