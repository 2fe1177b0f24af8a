// A BACnet/IP client on @bacnet-js/client, driven by lines; each is answered by one line:
//
//   bacnet_client.js OWN-ADDRESS BROADCAST DEVICE-ADDRESS
//
//   who-is                             "ok 1234": the device that announced itself
//   who-is-there [LOW HIGH]            the same by a broadcast, to these devices or to all
//   read TYPE INSTANCE PROPERTY        "ok 20.5", numbers as on the wire
//   write TYPE INSTANCE VALUE PRIORITY present value, REAL: "ok"
//   warm-start                         "ok"
//
// What was denied is said in the client library's words for the device's answer: "denied: BacnetError …".
'use strict';
const { answerLines } = require('./lines.js');
const { default: Client } = require('@bacnet-js/client');

const [own, broadcast, address] = process.argv.slice(2);
const PRESENT_VALUE = 85;
const REAL = 4;
const WARM_START = 1;
const client = new Client({ port: 47808, interface: own, broadcastAddress: broadcast, apduTimeout: 5000 });
const device = { address: `${address}:47808` };

const listening = new Promise((resolve, reject) => {
  client.on('listening', resolve);
  client.on('error', reject);
});

async function ask(question) {
  try {
    await listening;
    return await question();
  } catch (error) {
    return `denied: ${error.message}`;
  }
}

function announced(whoIs) {
  return ask(() => new Promise((resolve, reject) => {
    client.once('iAm', message => resolve(`ok ${message.payload.deviceId}`));
    setTimeout(() => reject(new Error('nobody announces itself')), 3000).unref();
    whoIs();
  }));
}

const verbs = {
  'who-is': () => announced(() => client.whoIs(device, { lowLimit: 1000, highLimit: 1999 })),
  'who-is-there': ([low, high]) => announced(() => (low === undefined ? client.whoIs()
    : client.whoIs({ lowLimit: Number(low), highLimit: Number(high) }))),
  read: ([type, instance, property]) => ask(async () => {
    const object = { type: Number(type), instance: Number(instance) };
    const answer = await client.readProperty(device, object, Number(property), {});
    return `ok ${answer.values[0].value}`;
  }),
  write: ([type, instance, value, priority]) => ask(async () => {
    const object = { type: Number(type), instance: Number(instance) };
    await client.writeProperty(device, object, PRESENT_VALUE, [{ type: REAL, value: Number(value) }],
      { priority: Number(priority) });
    return 'ok';
  }),
  'warm-start': () => ask(async () => {
    await client.reinitializeDevice(device, WARM_START, {});
    return 'ok';
  }),
};

answerLines(verbs);
