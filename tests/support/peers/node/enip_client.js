// An EtherNet/IP client on st-ethernet-ip, driven by lines; each is answered by one line:
//
//   enip_client.js ADDRESS connected|unconnected     to slot 0, by Forward Open or Unconnected Send
//
//   identity               "ok plant": name of the device
//   read TAG               a DINT: "ok 100"
//   write TAG VALUE        "ok"
//   write-both TAG=VALUE TAG=VALUE       in one multiple service packet: "ok"
//   set-attribute CLASS INSTANCE ATTRIBUTE HEX       "ok"
//   close                  Forward Close and the end of the session: "ok"
//
// What was denied is said by its status: "denied: status 8".
'use strict';
const { answerLines } = require('./lines.js');
const { Controller, Tag, TagGroup } = require('st-ethernet-ip');

const [address, mode] = process.argv.slice(2);
const DINT = 0xC4;
const controller = new Controller(mode === 'connected');
controller.timeout_sp = 8000;
const connected = controller.connect(address, 0, false);
connected.catch(() => {}); // said when the first line is answered

// What is thrown is an Error, or the general and extended status of an answer.
function words(error) {
  if (error.generalStatusCode === undefined) return `wrong: ${error.message}`;
  return `denied: ${[`status ${error.generalStatusCode}`, ...error.extendedStatus].join(' ')}`;
}

function tagOf(name, value) {
  const tag = new Tag(name, null, DINT);
  if (value !== undefined) tag.value = Number(value);
  return tag;
}

const answers = ['Read Tag', 'Write Tag', 'Multiple Service Packet', 'Set Attribute Single',
  'Get Attribute All'];

// The client library forgets its listeners only where all went well.
function forget() {
  for (const name of answers) controller.removeAllListeners(name);
}

async function ask(question) {
  try {
    await connected;
    return await question();
  } catch (error) {
    return words(error);
  } finally {
    forget();
  }
}

const verbs = {
  identity: () => ask(async () => {
    await controller.readControllerProps();
    return `ok ${controller.properties.name}`;
  }),
  read: ([name]) => ask(async () => {
    const tag = tagOf(name);
    await controller.readTag(tag);
    return `ok ${tag.value}`;
  }),
  write: ([name, value]) => ask(async () => {
    await controller.writeTag(tagOf(name, value));
    return 'ok';
  }),
  'write-both': pairs => ask(async () => {
    const group = new TagGroup();
    for (const pair of pairs) group.add(tagOf(...pair.split('=')));
    await controller.writeTagGroup(group);
    return 'ok';
  }),
  'set-attribute': ([classId, instance, attribute, hex]) => ask(async () => {
    await controller.setAttributeSingle(Number(classId), Number(instance), Number(attribute),
      Buffer.from(hex, 'hex'));
    return 'ok';
  }),
  close: () => ask(async () => {
    await controller.disconnect();
    return 'ok';
  }),
};

answerLines(verbs);
