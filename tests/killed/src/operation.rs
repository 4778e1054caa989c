//! [`Operation`]: what a victim does, and what must hold when it was killed over it.
//!
//! ```text
//! operation("Event::set", |_| Event::new().unwrap())       what survivors share with the victim
//!     .victim(|event, _| { Notes::mark(); event.set(); })  all after the mark is stepped through
//!     .check(|event, notes| { ... })                       by a survivor, after the kill
//! ```
//!
//! Whom the tracer steps through, and what becomes of it, is its [`Role`].

use std::rc::Rc;

use crate::notes::Notes;

/// What survivors found: an error says which promise was broken.
pub(crate) type Verdict = Result<(), String>;

/// Fails with a text unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(format!($($text)+));
        }
    };
}
pub(crate) use ensure;

type SetUp = Box<dyn Fn(&Notes) -> Box<dyn Scene>>;

/// Who is stepped through an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Who performs it; it is killed.
    Performer,
    /// Who performs it; it is held while another process acts, and then goes on.
    Held,
    /// Who is started first in the course of it; it is killed.
    Child,
    /// As that, but from where it sleeps when all is [ready](Notes::prepare).
    Server,
    /// Who is forked first by that; it is killed.
    Grandchild,
}

impl Role {
    /// Tells whether who performs is stepped through, and not somebody started by it.
    pub(crate) fn performs(self) -> bool {
        matches!(self, Role::Performer | Role::Held)
    }
}

/// A named operation, to be performed over and over.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) role: Role,
    set_up: SetUp,
}

impl Operation {
    /// Makes everything new: each victim finds the same.
    pub(crate) fn set_up(&self, notes: &Notes) -> Box<dyn Scene> {
        (self.set_up)(notes)
    }
}

/// One performance, of which each process has its copy.
pub(crate) trait Scene {
    /// Performs the operation, in the victim.
    fn perform(&mut self, notes: &Notes);
    /// Gives up what is the victim's alone, in a survivor.
    fn part(&mut self);
    /// Does what a sleeping victim waits for, in a survivor.
    fn assist(&mut self, notes: &Notes);
    /// Judges what the victim left, in a survivor.
    fn check(&mut self, notes: &Notes) -> Verdict;
}

type Act<S> = Rc<dyn Fn(&mut S, &Notes)>;
type Part<S> = Rc<dyn Fn(&mut S)>;
type Check<S> = Rc<dyn Fn(&mut S, &Notes) -> Verdict>;

/// An operation in the making.
pub(crate) struct Script<S> {
    name: String,
    role: Role,
    set_up: Box<dyn Fn(&Notes) -> S>,
    victim: Act<S>,
    apart: Part<S>,
    assist: Act<S>,
}

/// Begins the description of an operation; `set_up` makes what victim and survivors share.
pub(crate) fn operation<S: 'static>(
    name: impl Into<String>,
    set_up: impl Fn(&Notes) -> S + 'static,
) -> Script<S> {
    let nothing: Act<S> = Rc::new(|_, _| ());
    Script {
        name: name.into(),
        role: Role::Performer,
        set_up: Box::new(set_up),
        victim: Rc::clone(&nothing),
        apart: Rc::new(|_| ()),
        assist: nothing,
    }
}

impl<S: 'static> Script<S> {
    /// Says what the victim does; it prepares itself up to [`Notes::mark`].
    pub(crate) fn victim(mut self, act: impl Fn(&mut S, &Notes) + 'static) -> Script<S> {
        self.victim = Rc::new(act);
        self
    }

    /// Says what somebody does who starts a process, which is the victim, and outlives it.
    pub(crate) fn parent(self, act: impl Fn(&mut S, &Notes) + 'static) -> Script<S> {
        self.parent_of(Role::Child, act)
    }

    /// As [`parent`](Self::parent), for a victim of another role.
    pub(crate) fn parent_of(
        mut self,
        role: Role,
        act: impl Fn(&mut S, &Notes) + 'static,
    ) -> Script<S> {
        self.victim = Rc::new(act);
        self.role = role;
        self
    }

    /// Says what another process does at each place, while the victim is held there.
    pub(crate) fn meanwhile(mut self, act: impl Fn(&mut S, &Notes) + 'static) -> Script<S> {
        self.assist = Rc::new(act);
        self.role = Role::Held;
        self
    }

    /// Says what survivors give up once the victim has it: ends whose closing is to be noticed.
    pub(crate) fn apart(mut self, part: impl Fn(&mut S) + 'static) -> Script<S> {
        self.apart = Rc::new(part);
        self
    }

    /// Says what a survivor does when the victim sleeps.
    pub(crate) fn assist(mut self, act: impl Fn(&mut S, &Notes) + 'static) -> Script<S> {
        self.assist = Rc::new(act);
        self
    }

    /// Says what must hold when the victim is dead.
    pub(crate) fn check(self, check: impl Fn(&mut S, &Notes) -> Verdict + 'static) -> Operation {
        let Script { name, role, set_up, victim, apart, assist } = self;
        let check: Check<S> = Rc::new(check);
        let set_up = move |notes: &Notes| -> Box<dyn Scene> {
            let (state, victim) = (set_up(notes), Rc::clone(&victim));
            let (apart, assist) = (Rc::clone(&apart), Rc::clone(&assist));
            Box::new(Performance { state, victim, apart, assist, check: Rc::clone(&check) })
        };
        Operation { name, role, set_up: Box::new(set_up) }
    }
}

struct Performance<S> {
    state: S,
    victim: Act<S>,
    apart: Part<S>,
    assist: Act<S>,
    check: Check<S>,
}

impl<S> Scene for Performance<S> {
    fn perform(&mut self, notes: &Notes) {
        (self.victim)(&mut self.state, notes);
    }

    fn part(&mut self) {
        (self.apart)(&mut self.state);
    }

    fn assist(&mut self, notes: &Notes) {
        (self.assist)(&mut self.state, notes);
    }

    fn check(&mut self, notes: &Notes) -> Verdict {
        (self.check)(&mut self.state, notes)
    }
}
