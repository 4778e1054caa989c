//! The worker process, from its start to its end.

use std::collections::BTreeMap;

use mp_handle::{
    Bell, Consumer, Deadline, Descriptor, Frames, Parcel, Post, Producer, Region, Waited,
};
use mp_process::Func;
use serde::{Deserialize, Serialize};

use crate::context::Contexts;
use crate::copies;
use crate::current;
use crate::events::Ear;
use crate::frames::{ResultFrame, Status};
use crate::insight::Reporter;
use crate::link::Link;
use crate::orders::{ChunkHeader, TaskFrame};
use crate::outlet::Outlet;
use crate::protocol::{Item, RESULTS, RING, TASKS, Words, context_tag};
use crate::run::{Routine, Run, describe};
use crate::state::{self, Finalizer, Maker};
use crate::surroundings;
use crate::travel::Lengths;

/// What a worker gets from the parent at its start.
#[derive(Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) region: Region,
    /// Where to report how long tasks take.
    pub(crate) reports: Option<Region>,
    pub(crate) bell: Bell,
    pub(crate) post: Descriptor,
    /// Where to tell of events.
    pub(crate) events: Option<Ear>,
    /// Its number among the workers.
    pub(crate) id: usize,
    /// The processor to run on.
    pub(crate) cpu: Option<usize>,
    /// Its arguments come over the post.
    pub(crate) initializer: Option<Initializer>,
    /// Its arguments come next.
    pub(crate) state: Option<Maker>,
    pub(crate) finalizer: Option<Finalizer>,
}

/// The user's initializer, wrapped into what decodes its arguments.
pub(crate) type Initializer = Func<Parcel, Result<(), String>>;

/// The function of the worker process: runs chunks until the parent says that there are no more.
pub(crate) fn main(start: Start) -> Result<(), String> {
    let Start { region, reports, events, bell, post, id, cpu, initializer, state, finalizer } =
        start;
    current::become_worker(id);
    copies::become_original();
    cpu.map_or(Ok(()), surroundings::pin_to)?;
    let mut tasks = Consumer::attach(&region, TASKS, RING).map_err(text)?;
    let results = Producer::attach(&region, RESULTS, RING).map_err(text)?;
    let post = Post::from(post.into_owned().map_err(text)?);
    let prepare = || prepare(&post, initializer, state);
    match events {
        Some(ear) => ear.during(&region, prepare)?,
        None => prepare()?,
    }
    let words = Words::new(&region).map_err(text)?;
    let reporter = reports.as_ref().map(Reporter::new).transpose().map_err(text)?;
    let link = Link { words, bell, results, post, reporter };
    let mut worker = Worker::new(link);
    worker.link().push_frame(&[&ResultFrame::ready()]);
    worker.link().bell.ring();

    let mut bytes = Vec::new();
    let parent = rustix::process::getppid();
    loop {
        // The end of the parent kills this process, unless a task has closed the line to it.
        if tasks.rest(Deadline::NEVER, || rustix::process::getppid() == parent) == Waited::PeerGone
        {
            return Err("the parent is gone".into());
        }
        bytes.clear();
        tasks.drain(&mut bytes).map_err(text)?;
        tasks.notify_space();
        for frame in Frames::new(&bytes) {
            match TaskFrame::parse(frame.map_err(text)?).ok_or("a frame of an unknown kind")? {
                TaskFrame::Exit => {
                    worker.end(finalizer);
                    return Ok(());
                }
                frame => worker.handle(frame)?,
            }
        }
    }
}

/// Does what the user wants done before the first task.
fn prepare(
    post: &Post,
    initializer: Option<Initializer>,
    state: Option<Maker>,
) -> Result<(), String> {
    if let Some(initializer) = initializer {
        let arguments = post.receive().map_err(text)?;
        let (_, arguments) = arguments.ok_or("the initializer's arguments have not come")?;
        let initialized = initializer.call(arguments);
        copies::end_if_copy();
        initialized?;
    }
    if let Some(maker) = state {
        let (_, arguments) = post.receive().map_err(text)?.ok_or("the arguments have not come")?;
        let made = maker.call(arguments);
        copies::end_if_copy();
        state::keep(made?);
    }
    Ok(())
}

fn text<E: std::error::Error>(error: E) -> String {
    error.to_string()
}

struct Worker {
    /// Lent to the chunk that runs.
    run: Option<Box<Run>>,
    functions: BTreeMap<u32, Routine>,
    contexts: Contexts,
}

impl Worker {
    fn new(link: Link) -> Self {
        let run = Some(Box::new(Run::new(Outlet::Parent(Box::new(link)))));
        Self { run, functions: BTreeMap::new(), contexts: Contexts::default() }
    }

    /// Does what is to be done last.
    fn end(&mut self, finalizer: Option<Finalizer>) {
        if let Some(finalizer) = finalizer {
            let (status, parcel) = finalizer.call(());
            self.link().farewell(status, &parcel);
        }
        state::end();
    }

    fn run(&mut self) -> &mut Run {
        self.run.as_mut().expect("returned by every chunk")
    }

    fn link(&mut self) -> &mut Link {
        match &mut self.run().outlet {
            Outlet::Parent(link) => link,
            Outlet::Here(_) => unreachable!("a worker tells its parent"),
        }
    }

    fn handle(&mut self, frame: TaskFrame<'_>) -> Result<(), String> {
        match frame {
            TaskFrame::Function { number, bytes } => {
                let parcel = Parcel::from_parts(bytes.to_vec(), Vec::new());
                let function = parcel.decode().map_err(text)?;
                self.functions.insert(number, function);
            }
            TaskFrame::Context { number, head, spilled, bytes } => {
                let received = if spilled {
                    receive(&self.link().post, context_tag(number))
                } else {
                    Ok(Parcel::from_parts(bytes.to_vec(), Vec::new()))
                };
                self.contexts.add(number, received.map(|parcel| (parcel, head)));
            }
            TaskFrame::Forget { number } => self.contexts.forget(number),
            TaskFrame::Chunk { header, table, bytes } => {
                let (each, count) = (header.each as usize, header.count as usize);
                let lengths = match each {
                    0 => Lengths::Table(table),
                    len => Lengths::Each { len, count },
                };
                self.run_chunk(header, lengths, bytes)?;
            }
            TaskFrame::Exit => {}
        }
        Ok(())
    }

    fn run_chunk(
        &mut self,
        chunk: ChunkHeader,
        lengths: Lengths<'_>,
        bytes: &[u8],
    ) -> Result<(), String> {
        let received = if chunk.spilled {
            let items = receive(&self.link().post, u64::from(chunk.seq));
            items.map(|items| self.run().items = items)
        } else {
            let items = &mut self.run().items;
            items.clear();
            items.push_bytes(bytes);
            Ok(())
        };
        if !self.link().words.claim(chunk.seq) {
            return Ok(());
        }
        let link = self.link();
        if let Some(reporter) = &mut link.reporter {
            link.words.set_started(reporter.begin(chunk.seq, lengths.count()));
        }
        let function = self.functions.get(&chunk.function);
        let function = function.ok_or("a function that was not announced")?;
        let began = received.and_then(|()| {
            let Self { run, contexts, .. } = self;
            contexts.within(chunk.context, || {
                *run = run.take().map(|mut run| {
                    run.begin(chunk.seq, lengths, chunk.limits, chunk.is_guarded);
                    function.call(run)
                });
            })
        });
        if let Err(reason) = began {
            self.refuse(chunk.seq, lengths.count(), &reason);
        }
        Ok(())
    }

    /// Answers for a chunk whose items have not come.
    fn refuse(&mut self, seq: u32, count: usize, reason: &str) {
        let mut answer = Parcel::new();
        let status = describe(&mut answer, Status::NotDecoded, &reason);
        for index in 0..count as u32 {
            self.link().push(Item { seq, index }, status, &answer);
        }
        self.link().ring();
    }
}

/// Receives the parcel with this tag. Others are of chunks that were taken back, or of a sender
/// that was killed before it had published the frame.
pub(crate) fn receive(post: &Post, wanted: u64) -> Result<Parcel, String> {
    loop {
        match post.try_receive() {
            Ok(Some((tag, parcel))) if tag == wanted => return Ok(parcel),
            Ok(Some(_)) => {}
            Ok(None) => return Err("the other side is gone".into()),
            Err(error) => return Err(format!("what was sent cannot be received: {error}")),
        }
    }
}
