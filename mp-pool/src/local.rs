//! Chunks that run in the process which has called.

use mp_handle::Parcel;

use crate::chunk::Chunk;
use crate::context::{Context, Contexts};
use crate::orders::Limits;
use crate::outlet::{Here, Outlet};
use crate::run::Run;
use crate::task_error::TaskErrorKind;

/// Runs chunks in this process, on the thread that asks for it.
///
/// Arguments and results are encoded as on their way to another process, so that it makes no
/// difference to the function where it is called: it gets values of its own, and handles to what
/// is shared.
#[derive(Default)]
pub(crate) struct Local {
    /// One serves all chunks.
    run: Option<Box<Run>>,
    /// The shared value of the last chunk.
    contexts: Contexts,
    context: Option<u32>,
}

impl Local {
    /// Calls the function for each item of a chunk, and answers for it.
    pub(crate) fn run(&mut self, chunk: &Chunk) {
        let mut run = self.take_run(chunk);
        run.items = Parcel::from_parts(chunk.bytes().to_vec(), chunk.descriptors().to_vec());
        run.begin(0, chunk.item_lengths(), Limits::NONE, false);
        if let Some(context) = &chunk.call().context {
            self.learn(context);
        }
        let number = chunk.call().context_number();
        match self.contexts.within(number, || chunk.routine().call(run)) {
            Ok(run) => self.run = Some(run),
            Err(reason) => chunk.fail(&TaskErrorKind::Undecodable { reason }.into()),
        }
    }

    fn take_run(&mut self, chunk: &Chunk) -> Box<Run> {
        let outlet = Outlet::Here(Here { job: chunk.job().clone(), first: chunk.places().start });
        match self.run.take() {
            Some(mut run) => {
                run.outlet = outlet;
                run
            }
            None => Box::new(Run::new(outlet)),
        }
    }

    /// Decodes a shared value, if it is not the last one, in the place of that.
    fn learn(&mut self, context: &Context) {
        if self.context == Some(context.number) {
            return;
        }
        if let Some(number) = self.context.replace(context.number) {
            self.contexts.forget(number);
        }
        let (bytes, descriptors) = (context.parcel.bytes(), context.parcel.descriptors());
        let parcel = Parcel::from_parts(bytes.to_vec(), descriptors.to_vec());
        self.contexts.add(context.number, Ok((parcel, context.head)));
    }
}
