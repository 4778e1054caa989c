//! [`Context`]: a start method, with what belongs to it.

use std::sync::{Arc, LazyLock};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::builder::Builder;
use crate::error::SpawnError;
use crate::fork_server::{ForkServer, Preload};
use crate::func::{Func, Function};
use crate::method::StartMethod;
use crate::process::Process;
use crate::wire::Heritage;

/// A way to start processes: a [`StartMethod`], and for a fork server that server.
///
/// Clones are cheap, and share the server. [`Context::from`] a method gives the one that all of
/// the program share.
///
/// # Examples
///
/// ```
/// use std::sync::OnceLock;
/// use mp_process::Context;
///
/// static WORDS: OnceLock<Vec<String>> = OnceLock::new();
///
/// fn load() {
///     WORDS.set(vec!["large".into(), "data".into()]).unwrap();
/// }
///
/// fn word(n: usize) -> String {
///     WORDS.get().expect("loaded before")[n].clone()
/// }
///
/// mp_process::init();
/// let context = Context::fork_server().preload(load);
/// assert_eq!(context.spawn(word, (1,))?.join()?, "data");
/// assert!(WORDS.get().is_none(), "loaded in the server, not here");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(alias = "get_context")]
#[derive(Clone, Debug)]
pub struct Context {
    server: Option<Arc<ForkServer>>,
}

impl Context {
    /// Makes a context with a fork server of its own.
    ///
    /// The server is a process of one thread, started by the first start of this context. Each
    /// child is a fork of it, so it starts faster than a spawned one, and has what was
    /// [preloaded](Self::preload) without a copy: pages are shared until somebody writes to them.
    /// Neither the memory nor the threads of this process matter.
    ///
    /// Its children are children of this process, as spawned ones are, and are told apart by
    /// nothing: not by how their end is reported, nor by environment, directory, streams and
    /// descriptors, which are those that a spawned one would have. Only what `exec` would have
    /// inherited and nobody asked for (limits, `umask`, niceness, the processors to run on) is as
    /// it was when the server started. So is the address of everything, and the seed of each
    /// random generator that was preloaded. Functions registered with C's `pthread_atfork` are not
    /// called in the child.
    ///
    /// The server ends with this process, however that ends, and with the context. If it is
    /// killed, the next start starts another. To this process it is a child: who waits for *any*
    /// child (`wait(2)`) waits for the server too.
    pub fn fork_server() -> Self {
        Self::with_server(None)
    }

    fn with_server(preload: Preload) -> Self {
        Self { server: Some(Arc::new(ForkServer::new(preload))) }
    }

    /// Has the server call `f` once, before it forks: its statics are then there in each child.
    /// The context gets a server of its own. With [`StartMethod::Spawn`] there is nothing to load
    /// into, and `f` is not called.
    ///
    /// Threads that `f` starts must have ended when it returns, since a fork would copy the locks
    /// that they hold, but not them: otherwise starting a process is a
    /// [`ForkServerError::Threads`](crate::ForkServerError::Threads). It cannot start processes.
    /// Descriptors that it leaves open are open in the children. `f` runs before the setup of
    /// [`init_with`](crate::init_with), which is run by each child.
    #[doc(alias = "set_forkserver_preload")]
    pub fn preload<F>(self, f: F) -> Self
    where
        F: Function<(), Output = ()>,
    {
        match self.server {
            Some(_) => Self::with_server(Some(Func::new(f))),
            None => self,
        }
    }

    /// How it starts processes.
    #[must_use]
    pub fn method(&self) -> StartMethod {
        match self.server {
            Some(_) => StartMethod::ForkServer,
            None => StartMethod::Spawn,
        }
    }

    /// Prepares a process with options.
    pub fn builder(&self) -> Builder {
        Process::builder().start_method(self)
    }

    /// Starts a process: see [`spawn`](crate::spawn).
    ///
    /// # Errors
    ///
    /// The process could not be started.
    pub fn spawn<F, A>(&self, f: F, args: A) -> Result<Process<F::Output>, SpawnError>
    where
        F: Function<A>,
        A: Serialize + DeserializeOwned,
        F::Output: Serialize + DeserializeOwned,
    {
        self.builder().spawn(f, args)
    }

    pub(crate) fn server(&self) -> Option<&ForkServer> {
        self.server.as_deref()
    }

    /// What a child needs to make this context again.
    pub(crate) fn heritage(&self) -> Heritage {
        let preload = self.server().and_then(ForkServer::preload);
        Heritage { method: self.method(), preload: preload.as_ref().map(Func::offset) }
    }

    /// Makes the context of the parent again.
    pub(crate) fn inherit(method: StartMethod, preload: Option<Func<(), ()>>) -> Self {
        match preload {
            Some(f) => Self::with_server(Some(Ok(f))),
            None => Self::from(method),
        }
    }
}

impl From<StartMethod> for Context {
    fn from(method: StartMethod) -> Self {
        static SHARED: LazyLock<Context> = LazyLock::new(Context::fork_server);
        match method {
            StartMethod::Spawn => Self { server: None },
            StartMethod::ForkServer => SHARED.clone(),
        }
    }
}

impl From<&Context> for Context {
    fn from(context: &Context) -> Self {
        context.clone()
    }
}
