// An OPC UA server on node-opcua: object Pump in namespace 1 with the variables s=Speed, s=Limit and the
// method s=Stop.
//
//   opcua_server.js LOG ADDRESS FOLDER     opc.tcp, port 4840, until SIGTERM; its keys are below FOLDER
//
// Endpoints: security None, and Basic256Sha256 with Sign and SignAndEncrypt; anonymous users, and operator with the
// password secret. Writes down what was done, one JSON object a line: {"service":"write","node":"s=Speed",
// "value":42.5}, and whose sessions it took: {"service":"activate","mode":"Sign","user":"operator"}.
'use strict';
globalThis.crypto ??= require('node:crypto').webcrypto; // Node.js 18 has none of its own
const fs = require('node:fs');
const { OPCUAServer, OPCUACertificateManager, Variant, DataType, MessageSecurityMode, SecurityPolicy,
  StatusCodes } = require('node-opcua');

const [log, address, folder] = process.argv.slice(2);
const writeDown = what => fs.appendFileSync(log, JSON.stringify(what) + '\n');

function addVariable(namespace, pump, name, values) {
  const nodeId = `s=${name}`;
  namespace.addVariable({ componentOf: pump, nodeId, browseName: name, dataType: 'Double',
    minimumSamplingInterval: 100,
    value: {
      get: () => new Variant({ dataType: DataType.Double, value: values[name] }),
      set: variant => {
        values[name] = variant.value;
        writeDown({ service: 'write', node: nodeId, value: variant.value });
        return StatusCodes.Good;
      },
    } });
}

function addPump(server) {
  const namespace = server.engine.addressSpace.getOwnNamespace();
  const { objects } = server.engine.addressSpace.rootFolder;
  const pump = namespace.addObject({ organizedBy: objects, nodeId: 's=Pump', browseName: 'Pump' });
  const values = { Speed: 1.5, Limit: 80 };
  addVariable(namespace, pump, 'Speed', values);
  addVariable(namespace, pump, 'Limit', values);
  const stop = namespace.addMethod(pump, { nodeId: 's=Stop', browseName: 'Stop', inputArguments: [],
    outputArguments: [] });
  stop.bindMethod((inputs, context, callback) => {
    writeDown({ service: 'call', node: 's=Stop' });
    callback(null, { statusCode: StatusCodes.Good, outputArguments: [] });
  });
}

async function main() {
  const certificates = new OPCUACertificateManager({ automaticallyAcceptUnknownCertificate: true,
    rootFolder: folder });
  const server = new OPCUAServer({ hostname: address, port: 4840, resourcePath: '/plant',
    serverCertificateManager: certificates,
    securityPolicies: [SecurityPolicy.None, SecurityPolicy.Basic256Sha256],
    securityModes: [MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt],
    allowAnonymous: true,
    userManager: { isValidUser: (name, password) => name === 'operator' && password === 'secret' } });
  server.on('session_activated', (session, token) => writeDown({ service: 'activate',
    mode: MessageSecurityMode[session.channel.securityMode], user: token.userName ?? null }));
  await server.initialize();
  addPump(server);
  await server.start();
  console.log('listening');
}

main().catch(error => { console.log(`wrong: ${error.message}`); process.exit(1); });
