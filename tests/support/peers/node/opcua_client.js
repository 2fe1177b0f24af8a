// An OPC UA client on node-opcua, driven by lines; each is answered by one line:
//
//   opcua_client.js ADDRESS MODE FOLDER [USER PASSWORD]
//
// MODE: None, Sign, SignAndEncrypt; its keys are below FOLDER; without a user it is anonymous.
//
//   read NODE           value of a node in namespace 1: "ok 1.5"
//   browse NODE         "ok Speed,Limit,Stop": what the node has
//   watch NODE          by subscription: "ok 1.5", the first value that the server reports
//   write NODE VALUE    a Double: "ok"
//   call OBJECT METHOD  "ok"
//   renewed             the next renewal of the secure channel's token, which lives ten seconds: "ok"
//
// What was denied is said in the words of the answer: "denied: … BadUserAccessDenied …".
'use strict';
const { answerLines } = require('./lines.js');
globalThis.crypto ??= require('node:crypto').webcrypto; // Node.js 18 has none of its own
const { OPCUAClient, OPCUACertificateManager, MessageSecurityMode, SecurityPolicy, AttributeIds, DataType,
  StatusCodes, TimestampsToReturn, UserTokenType } = require('node-opcua');

const [address, mode, folder, userName, password] = process.argv.slice(2);
const user = userName ? { type: UserTokenType.UserName, userName, password } : undefined;
const client = OPCUAClient.create({
  endpointMustExist: false,
  securityMode: MessageSecurityMode[mode],
  securityPolicy: mode === 'None' ? SecurityPolicy.None : SecurityPolicy.Basic256Sha256,
  connectionStrategy: { maxRetry: 1, initialDelay: 200 },
  defaultSecureTokenLifetime: 10000,
  clientCertificateManager: new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: true,
    rootFolder: folder }),
});
let opened = null;

async function session() {
  opened ??= client.connect(`opc.tcp://${address}:4840/plant`).then(() => client.createSession(user));
  return opened;
}

const id = text => `ns=1;${text}`;

// A status code that is not Good, by its name.
function good(statusCode, text) {
  return statusCode.equals(StatusCodes.Good) ? `ok ${text}`.trim() : `denied: ${statusCode.name}`;
}

async function watch(node) {
  const subscription = await (await session()).createSubscription2({ requestedPublishingInterval: 100,
    requestedLifetimeCount: 60, requestedMaxKeepAliveCount: 10, maxNotificationsPerPublish: 10,
    publishingEnabled: true, priority: 1 });
  const item = await subscription.monitor({ nodeId: id(node), attributeId: AttributeIds.Value },
    { samplingInterval: 100, queueSize: 5 }, TimestampsToReturn.Both);
  const value = await new Promise(resolve => item.once('changed', data => resolve(data.value.value)));
  await subscription.terminate();
  return `ok ${value}`;
}

function denying(verb) {
  return words => verb(...words).catch(error => `denied: ${error.message.replace(/\s+/g, ' ')}`);
}

const verbs = {
  async read(node) {
    const data = await (await session()).read({ nodeId: id(node), attributeId: AttributeIds.Value });
    return good(data.statusCode, data.value.value);
  },
  async browse(node) {
    const result = await (await session()).browse(id(node));
    return good(result.statusCode, result.references.map(reference => reference.browseName.name).join());
  },
  watch,
  async write(node, value) {
    return good(await (await session()).write({ nodeId: id(node), attributeId: AttributeIds.Value,
      value: { value: { dataType: DataType.Double, value: Number(value) } } }), '');
  },
  async call(object, method) {
    const result = await (await session()).call({ objectId: id(object), methodId: id(method),
      inputArguments: [] });
    return good(result.statusCode, '');
  },
  async renewed() {
    await session();
    await new Promise((resolve, reject) => {
      client.once('security_token_renewed', resolve);
      setTimeout(() => reject(new Error('the token was not renewed')), 15000).unref();
    });
    return 'ok';
  },
};

answerLines(Object.fromEntries(Object.entries(verbs).map(([name, verb]) => [name, denying(verb)])));
