'use strict';
// An SMSC of npm's `smpp`, told what to do by lines of JSON and telling what it saw by others.
//
//   {"do": "answer", "statuses": [88, 0]}     the status of the next answers to submit_sm
//   {"do": "drop", "after": 0}                hang up at the submit_sm after so many more
//   {"do": "mute"}                            leave the next submit_sm without an answer
//   {"do": "receipts", "stat": "UNDELIV"}     what receipts say from now on; null sends none
//   {"do": "deliver", "tag": "a", ...}        a message of a phone: source, text, coding, udh
//   {"do": "enquire"}                         ask every session whether it is alive
//   {"do": "hang-up"}                         end every connection
//
// With the files of a key and a certificate it speaks TLS only.
// A delivery that is not answered before its connection ends is delivered again on the next one.
const fs = require('fs');
const readline = require('readline');
const smpp = require('smpp');

const PASSWORD = 'opensesa';
const RECEIPT = 0x04;

const state = { statuses: [], dropAfter: null, mute: false, stat: 'DELIVRD', nextId: 1 };
const sessions = new Set();
const waiting = [];

const tell = (event, fields) => process.stdout.write(JSON.stringify({ event, ...fields }) + '\n');

function accept(session) {
  sessions.add(session);
  session.unanswered = new Map();
  session.on('bind_transmitter', (pdu) => bind(session, pdu, 'transmitter'));
  session.on('bind_receiver', (pdu) => bind(session, pdu, 'receiver'));
  session.on('bind_transceiver', (pdu) => bind(session, pdu, 'transceiver'));
  session.on('submit_sm', (pdu) => submit(session, pdu));
  session.on('enquire_link', (pdu) => {
    tell('enquire_link', { role: session.role });
    session.send(pdu.response());
  });
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('error', () => session.destroy());
  session.on('close', () => {
    sessions.delete(session);
    waiting.unshift(...session.unanswered.values());
    tell('closed', { role: session.role });
    deliverWaiting();
  });
}

function bind(session, pdu, role) {
  const known = pdu.password === PASSWORD;
  const command_status = known ? 0 : smpp.ESME_RINVPASWD;
  session.role = known ? role : null;
  tell('bind', { role, system_id: pdu.system_id, status: command_status });
  session.send(pdu.response({ command_status, system_id: 'smsc' }), deliverWaiting);
}

function submit(session, pdu) {
  tell('submit', {
    text: pdu.short_message.message,
    udh: (pdu.short_message.udh || []).map((each) => Buffer.from(each).toString('hex')),
    data_coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    source: [pdu.source_addr, pdu.source_addr_ton, pdu.source_addr_npi],
    to: [pdu.destination_addr, pdu.dest_addr_ton, pdu.dest_addr_npi],
    registered_delivery: pdu.registered_delivery,
    validity_period: String(pdu.validity_period),
  });
  if (state.dropAfter !== null && state.dropAfter-- === 0) {
    state.dropAfter = null;
    session.destroy();
    return;
  }
  if (state.mute) {
    state.mute = false;
    return;
  }
  const command_status = state.statuses.shift() || 0;
  const message_id = command_status ? '' : `smsc-${process.pid}-${state.nextId++}`;
  session.send(pdu.response({ command_status, message_id }), () => {
    if (!command_status && pdu.registered_delivery & 1 && state.stat) receipt(pdu, message_id);
  });
}

function receipt(pdu, id) {
  const words = `id:${id} sub:001 dlvrd:001 submit date:2603021200 done date:2603021201 ` +
    `stat:${state.stat} err:000 text:id:forged stat:REJECTD`;
  deliver({ tag: id, source: pdu.destination_addr, ton: 1, text: words, esm_class: RECEIPT });
}

function deliver(each) {
  waiting.push(each);
  deliverWaiting();
}

function deliverWaiting() {
  const session = [...sessions].find((one) => ['receiver', 'transceiver'].includes(one.role));
  while (session && waiting.length) {
    const each = waiting.shift();
    const message = each.hex ? Buffer.from(each.hex, 'hex') : each.text;
    const short_message = each.udh ? { udh: Buffer.from(each.udh, 'hex'), message } : message;
    session.unanswered.set(each, each);
    session.deliver_sm({
      source_addr: each.source,
      source_addr_ton: each.ton,
      source_addr_npi: 1,
      destination_addr: '10690000',
      esm_class: each.esm_class || (each.udh ? 0x40 : 0),
      data_coding: each.coding || 0,
      short_message,
    }, (answer) => {
      session.unanswered.delete(each);
      tell('delivered', { tag: each.tag, status: answer.command_status });
    });
    tell('delivering', { tag: each.tag });
  }
}

const orders = {
  answer: (order) => { state.statuses = order.statuses; },
  drop: (order) => { state.dropAfter = order.after; },
  mute: () => { state.mute = true; },
  receipts: (order) => { state.stat = order.stat; },
  deliver,
  enquire: () => sessions.forEach((each) => each.enquire_link(
    () => tell('alive', { role: each.role }))),
  'hang-up': () => sessions.forEach((each) => each.destroy()),
};

const [key, cert] = process.argv.slice(2).map((name) => fs.readFileSync(name));
const server = smpp.createServer(key ? { key, cert } : {}, accept);
server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));
readline.createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line);
    orders[order.do](order);
    tell('done', { order: order.do });
  })
  .on('close', () => process.exit(0));
