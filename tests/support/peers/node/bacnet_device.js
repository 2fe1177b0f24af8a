// A BACnet/IP device on node-bacnet: device 1234 with analog values 1 and 2.
//
//   bacnet_device.js LOG BROADCAST     UDP 47808 of all addresses, until SIGTERM
//
// Writes down every request that it received, one JSON object a line: {"service":"writeProperty", …}.
'use strict';
const fs = require('node:fs');
const Bacnet = require('node-bacnet');

const [log, broadcast] = process.argv.slice(2);
const PRESENT_VALUE = 85, OBJECT_NAME = 77;
const REAL = 4, CHARACTER_STRING = 7;
const WRITE_PROPERTY = 15, REINITIALIZE_DEVICE = 20;
const values = new Map([[1, 20.5], [2, 50]]);

const device = new Bacnet({ port: 47808, interface: '0.0.0.0', broadcastAddress: broadcast });
const writeDown = what => fs.appendFileSync(log, JSON.stringify(what) + '\n');

device.on('error', error => writeDown({ error: error.message }));
device.on('listening', () => console.log('listening'));

device.on('whoIs', message => {
  const { lowLimit = 'none', highLimit = 'none' } = message.payload;
  writeDown({ service: 'whoIs', from: message.header.sender.address, low: lowLimit, high: highLimit });
  device.iAmResponse(message.header.sender.address, 1234, 3, 999);
});

device.on('readProperty', ({ payload, invokeId, header }) => {
  const { objectId, property } = payload;
  writeDown({ service: 'readProperty', type: objectId.type, instance: objectId.instance,
    property: property.id });
  const value = property.id === PRESENT_VALUE ? { type: REAL, value: values.get(objectId.instance) }
    : { type: CHARACTER_STRING, value: `av-${objectId.instance}` };
  device.readPropertyResponse(header.sender.address, invokeId, objectId, property, [value]);
});

device.on('writeProperty', ({ payload, invokeId, header }) => {
  const { objectId, value } = payload;
  const written = value.value[0].value;
  values.set(objectId.instance, written);
  writeDown({ service: 'writeProperty', type: objectId.type, instance: objectId.instance,
    property: value.property.id, priority: value.priority, value: written });
  device.simpleAckResponse(header.sender.address, WRITE_PROPERTY, invokeId);
});

device.on('reinitializeDevice', ({ payload, invokeId, header }) => {
  writeDown({ service: 'reinitializeDevice', state: payload.state });
  device.simpleAckResponse(header.sender.address, REINITIALIZE_DEVICE, invokeId);
});
