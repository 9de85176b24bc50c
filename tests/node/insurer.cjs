// An insurer made of npm's soap and xml-crypto: independent of the hub and of the simulators.
// node insurer.cjs OPTIONS.json: prints its port, writes one line of JSON for each call into the ledger that the options name.
"use strict";
const crypto = require("crypto");
const fs = require("fs");
const https = require("https");
const soap = require("soap");
const { SignedXml } = require("xml-crypto");
const { DOMParser } = require("@xmldom/xmldom");

const options = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const SIGNATURE = "http://www.w3.org/2000/09/xmldsig#";
const raw = new WeakMap();
const nonces = new Set();

function note(req, call) {
  const shown = req.socket.getPeerCertificate();
  const certificate = shown && shown.fingerprint256 ? shown.fingerprint256.replace(/:/g, "").toLowerCase() : null;
  fs.appendFileSync(options.ledger, JSON.stringify({ certificate, ...call }) + "\n");
}

function isTokenRight(security) {
  const token = security.UsernameToken;
  if (!token || token.Username !== options.login) return false;
  const nonce = token.Nonce.$value || token.Nonce;
  if (nonces.has(nonce)) return false;
  nonces.add(nonce);
  const told = token.Password.$value || token.Password;
  if (options.token === "text") return told === options.password;
  return told === soap.passwordDigest(nonce, token.Created, options.password);
}

function whatIsSigned(xml) {
  const document = new DOMParser().parseFromString(xml, "text/xml");
  const found = document.getElementsByTagNameNS(SIGNATURE, "Signature");
  if (found.length !== 1) return [];
  const signed = new SignedXml({ publicCert: options.hubCertificate, getCertFromKeyInfo: () => null });
  signed.loadSignature(found[0]);
  if (!signed.checkSignature(xml)) return [];
  return signed.getSignedReferences().map((part) => new DOMParser().parseFromString(part, "text/xml").documentElement.localName);
}

function authenticate(security, answer, req) {
  try {
    const parts = options.hubCertificate ? whatIsSigned(raw.get(req)).sort() : null;
    const isKnown = (!options.token || isTokenRight(security || {})) && (!parts || parts.join() === "Body,Timestamp");
    note(req, { isKnown, signed: parts, user: security && security.UsernameToken ? security.UsernameToken.Username : null });
    answer(isKnown);
  } catch (error) {
    note(req, { isKnown: false, error: error.name });
    answer(false);
  }
}

function signed(result) {
  const bare = result.replace(/<soap:Header>[\s\S]*?<\/soap:Header>/, "").replace("<soap:Body>", "<soap:Header></soap:Header><soap:Body>");
  const signer = new soap.WSSecurityCert(options.signerKey, options.signerCertificate, "", options.signing || {});
  return signer.postProcess(bare, "soap");
}

const policy = (number) => ({
  PolicyNumber: number, PolicyKind: "02", InsurerCode: "913709990000000001", HolderCode: "91370999000000001X",
  HolderName: "虚构建设有限公司", ProjectTitle: "虚构项目", SumInsuredWan: "105.00", SignDate: "20261101", PolicyState: "1",
  RegionCode: "370999000", ModifyTime: "20261101090000",
});
const header = { ResultCode: "00", ResultText: "成功" };
const received = [];
const service = { PolicyService: { PolicyPort: {
  QueryPolicyList: () => ({
    ResponseHeader: header,
    ResponseBody: { TotalCount: 2, PolicyList: { Policy: [policy("NODE0001"), policy("NODE0002")] } },
  }),
  ReturnPolicyStatus: (asked) => {
    const states = [].concat(asked.RequestBody.PolicyStatus);
    received.push(...states);
    fs.appendFileSync(options.ledger, JSON.stringify({ states }) + "\n");
    return { ResponseHeader: header, ResponseBody: { ReceivedCount: states.length } };
  },
} } };

const server = https.createServer({ key: options.key, cert: options.certificate, ca: options.ca, requestCert: true, rejectUnauthorized: true });
server.listen(0, "127.0.0.1", () => {
  const wsdl = fs.readFileSync(options.wsdl, "utf8").replace("http://127.0.0.1:1/soap", "https://127.0.0.1/soap");
  const listener = soap.listen(server, { path: "/soap", services: service, xml: wsdl, suppressStack: true });
  listener.log = (kind, data, req) => { if (kind === "received") raw.set(req, data); };
  listener.authenticate = authenticate;
  if (options.signerKey) listener.on("response", (response) => { response.result = signed(response.result); });
  console.log(server.address().port);
});
