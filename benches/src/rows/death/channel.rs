//! Who sends or receives a large message is killed in the midst of it.

use std::io::{Read, Write};
use std::{process, thread};

use anyhow::Result;
use interprocess::local_socket::prelude::*;
use interprocess::local_socket::{GenericNamespaced, Listener, ListenerOptions, Stream};
use ipc_channel::ipc::{self, IpcOneShotServer, IpcSender};
use mp_process::Process;

use super::case::{self, Ready, kill, kill_asleep, until_asleep};
use super::{python, queue, row};
use crate::row::Row;

/// More than any socket takes at once.
pub(super) const LARGE: usize = 16 << 20;

pub(super) fn rows() -> Vec<Row> {
    let sender = vec![
        case::system("ours, Queue", |ready| queue::sender(ready).expect("a queue")),
        case::system("ours, Connection", |ready| queue::pipe_sender(ready).expect("a pipe")),
        case::system("ipc-channel", |ready| ipc_sender(ready).expect("a channel")),
        case::system("interprocess", |ready| socket_sender(ready).expect("a socket")),
        python("CPython Queue", "death.queue_sender"),
        python("CPython SimpleQueue", "death.simple_queue_sender"),
    ];
    let receiver = vec![
        case::system("ours, Queue", |ready| queue::receiver(ready).expect("a queue")),
        case::system("ours, Connection", |ready| queue::pipe_receiver(ready).expect("a pipe")),
        case::system("ipc-channel", |ready| ipc_receiver(ready).expect("a channel")),
        case::system("interprocess", |ready| socket_receiver(ready).expect("a socket")),
        python("CPython Queue", "death.queue_receiver"),
        python("CPython SimpleQueue", "death.simple_queue_receiver"),
    ];
    vec![
        row("sender", "killed amid a large message; the next one, of another sender", sender),
        row("receiver", "killed while it receives; who sends, or receives next", receiver),
    ]
}

type Bytes = Vec<u8>;

fn ipc_sender(ready: Ready) -> Result<String> {
    let (ours, receiver) = ipc::channel::<Bytes>()?;
    let (server, name) = IpcOneShotServer::<IpcSender<IpcSender<Bytes>>>::new()?;
    let sender = mp_process::spawn(ipc_send, (name,))?;
    let (_, invitation) = server.accept()?;
    invitation.send(ours.clone())?;
    kill_asleep(&sender)?;
    ready.say();
    let first = case::outcome(receiver.recv());
    ours.send(vec![1])?;
    Ok(format!("{first}, then {}", case::outcome(receiver.recv())))
}

fn ipc_send(name: String) {
    let (ours, invitations) = ipc::channel::<IpcSender<Bytes>>().expect("a channel");
    IpcSender::connect(name).expect("a server").send(ours).expect("its receiver");
    let sender = invitations.recv().expect("an invitation");
    let _ = sender.send(vec![0; LARGE]);
}

fn ipc_receiver(ready: Ready) -> Result<String> {
    let (server, name) = IpcOneShotServer::<IpcSender<Bytes>>::new()?;
    let receiver = mp_process::spawn(ipc_ignore, (name,))?;
    let (_, sender) = server.accept()?;
    kill_when_we_sleep(ready, receiver);
    Ok(case::outcome(sender.send(vec![0; LARGE])))
}

/// Receives nothing: the sender has to wait.
fn ipc_ignore(name: String) {
    let (sender, _receiver) = ipc::channel::<Bytes>().expect("a channel");
    IpcSender::connect(name).expect("a server").send(sender).expect("its receiver");
    thread::park();
}

/// Kills `receiver` as soon as the main thread, the sender, waits for it.
pub(super) fn kill_when_we_sleep(ready: Ready, receiver: Process<()>) {
    thread::spawn(move || {
        until_asleep(process::id());
        ready.say();
        kill(&receiver).expect("it can be killed");
    });
}

fn listen() -> Result<(Listener, String)> {
    let name = format!("mp-bench-{}", process::id());
    let address = name.clone().to_ns_name::<GenericNamespaced>()?;
    Ok((ListenerOptions::new().name(address).create_sync()?, name))
}

fn connect(name: String) -> Stream {
    let address = name.to_ns_name::<GenericNamespaced>().expect("a name of ours");
    Stream::connect(address).expect("a listener")
}

fn socket_sender(ready: Ready) -> Result<String> {
    let (listener, name) = listen()?;
    let sender = mp_process::spawn(socket_send, (name,))?;
    let mut receiver = listener.accept()?;
    kill_asleep(&sender)?;
    ready.say();
    Ok(format!("the message: {}", case::outcome(receiver.read_exact(&mut vec![0; LARGE]))))
}

fn socket_send(name: String) {
    let _ = connect(name).write_all(&vec![0; LARGE]);
}

fn socket_receiver(ready: Ready) -> Result<String> {
    let (listener, name) = listen()?;
    let receiver = mp_process::spawn(socket_ignore, (name,))?;
    let mut sender = listener.accept()?;
    kill_when_we_sleep(ready, receiver);
    Ok(case::outcome(sender.write_all(&vec![0; LARGE])))
}

fn socket_ignore(name: String) {
    let _stream = connect(name);
    thread::park();
}
