//! The thread that has the pool.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::thread;

use mp_pool::{Calls, Context, Job, Order, Pool, PoolError, encode_failure};

use crate::error::Refusal;
use crate::objects::{ClientId, Reply, Ticket};
use crate::server::Outside;

/// Neighbouring items of a call, as a client's pool has encoded them.
pub(super) struct Chunk {
    pub(super) order: Order,
    pub(super) context: Option<Arc<Context>>,
    pub(super) table: Vec<u8>,
    pub(super) items: Vec<u8>,
}

/// What is asked of the keeper.
pub(super) enum Message {
    Ready(Ticket),
    Run(Ticket, Chunk),
    /// All items of a chunk have an answer.
    Done(Ticket, Arc<Job>),
    Close(Ticket),
    Terminate(Ticket),
    Join(Ticket),
    /// A client is gone: what it wanted need not be run.
    Forget(ClientId),
    /// Nobody refers to the pool any more.
    End,
}

/// What the thread works on.
pub(super) struct Keeper {
    outside: Arc<Outside>,
    /// For those who tell it that something is done.
    sender: Sender<Message>,
    messages: Receiver<Message>,
    running: HashMap<Ticket, Arc<Job>>,
}

impl Keeper {
    pub(super) fn new(
        outside: Arc<Outside>,
        sender: Sender<Message>,
        messages: Receiver<Message>,
    ) -> Self {
        Self { outside, sender, messages, running: HashMap::new() }
    }

    /// Starts the thread, which starts so many workers.
    pub(super) fn start(self, workers: usize) -> io::Result<()> {
        let name = String::from("mp-manager-pool");
        thread::Builder::new().name(name).spawn(move || self.keep(workers)).map(drop)
    }

    fn keep(mut self, workers: usize) {
        let pool = Pool::new(workers).map(Arc::new);
        while let Ok(message) = self.messages.recv() {
            if let Message::End = message {
                return;
            }
            match &pool {
                Ok(pool) => self.serve(pool, workers, message),
                Err(error) => self.refuse(error, message),
            }
        }
    }

    /// There is no pool.
    fn refuse(&self, error: &PoolError, message: Message) {
        if let Message::Ready(ticket)
        | Message::Run(ticket, _)
        | Message::Close(ticket)
        | Message::Terminate(ticket)
        | Message::Join(ticket) = message
        {
            self.outside.answer(ticket, Err(Refusal::Misuse(error.to_string())));
        }
    }

    fn serve(&mut self, pool: &Arc<Pool>, workers: usize, message: Message) {
        match message {
            Message::Ready(ticket) => self.reply(ticket, |reply| reply.number(workers)),
            Message::Run(ticket, chunk) => self.run(pool, ticket, chunk),
            Message::Done(ticket, job) => {
                self.running.remove(&ticket);
                let answers = job.encode().unwrap_or_default();
                self.reply(ticket, |reply| reply.bytes.extend_from_slice(answers.bytes()));
            }
            Message::Close(ticket) => {
                pool.close();
                self.reply(ticket, |_| {});
            }
            Message::Terminate(ticket) => {
                pool.terminate();
                self.reply(ticket, |_| {});
            }
            Message::Join(ticket) => self.join(pool, ticket),
            Message::Forget(client) => {
                let gone = |ticket: &Ticket| ticket.client == client;
                for (_, job) in self.running.extract_if(|ticket, _| gone(ticket)) {
                    pool.executor().cancel(&job);
                }
            }
            Message::End => {}
        }
    }

    fn reply(&self, ticket: Ticket, write: impl FnOnce(&mut Reply)) {
        let mut reply = Reply::default();
        write(&mut reply);
        self.outside.answer(ticket, Ok(reply));
    }

    fn run(&mut self, pool: &Pool, ticket: Ticket, chunk: Chunk) {
        let Chunk { order, context, table, items } = chunk;
        let (count, sender) = (table.len() / 4, self.sender.clone());
        // Should the keeper be gone by then, nobody waits for it.
        let done = move |job| drop(sender.send(Message::Done(ticket, job)));
        match pool.executor().relay(&order, context, table, items, done) {
            Ok(job) => drop(self.running.insert(ticket, job)),
            Err(error) => {
                let answers = encode_failure(count, &error).unwrap_or_default();
                self.reply(ticket, |reply| reply.bytes.extend_from_slice(answers.bytes()));
            }
        }
    }

    /// Waits for the end of the pool, in a thread of its own.
    fn join(&self, pool: &Arc<Pool>, ticket: Ticket) {
        let (pool, outside) = (Arc::clone(pool), Arc::clone(&self.outside));
        let join = move || {
            let joined = pool.join().map_err(|error| Refusal::Misuse(error.to_string()));
            let reply = || {
                let mut reply = Reply::default();
                reply.flag(true);
                reply
            };
            outside.answer(ticket, joined.map(|()| reply()));
        };
        if let Err(error) = thread::Builder::new().spawn(join) {
            self.outside.answer(ticket, Err(Refusal::Misuse(error.to_string())));
        }
    }
}
