//! Pipes: a message there, and one of the same size back.

use anyhow::Result;

use crate::duo::line::{
    Futex, Iceoryx, IceoryxEvent, IpcBytes, Line, LocalSocket, OurPipe, Pipe, QueueBytes,
    QueueInPlace, Ring, SpinRing,
};
use crate::duo::{
    Load, Pace, Partner, Places, Sample, Team, Work, micros, python_pair, repeat, together,
};
use crate::row::{Better, Row, Scale, System};

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let pace = Pace::new(scale);
    let sizes = [("1b", 1), ("4k", 4096)];
    sizes
        .into_iter()
        .flat_map(|(name, len)| {
            Where::ALL.map(|course| Row {
                name: format!("pipe-{name}{}", course.suffix()),
                about: format!("there and back, {}", course.about()),
                unit: "us",
                better: Better::Lower,
                ballast: 0,
                systems: systems(pace, course, len),
            })
        })
        .collect()
}

/// Where the two sides run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    TwoCores,
    OneCore,
    Loaded,
}

impl Where {
    const ALL: [Self; 3] = [Self::TwoCores, Self::OneCore, Self::Loaded];

    fn suffix(self) -> &'static str {
        match self {
            Self::TwoCores => "",
            Self::OneCore => "-one-core",
            Self::Loaded => "-loaded",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::TwoCores => "each side pinned to a core of its own",
            Self::OneCore => "both sides pinned to one core",
            Self::Loaded => "on two cores, a spinning process of usual priority on each of them",
        }
    }

    fn places(self) -> Result<Places> {
        match self {
            Self::OneCore => Places::one_core(),
            Self::TwoCores | Self::Loaded => Places::two_cores(),
        }
    }
}

fn systems(pace: Pace, course: Where, len: usize) -> Vec<System> {
    let quiet = course == Where::TwoCores;
    let mut systems = vec![
        System::new("ours, Connection", echo::<OurPipe>(pace, course, len)),
        System::new("ours, two Queues", echo::<QueueBytes>(pace, course, len)),
        System::new("ours, two Queues in place", echo::<QueueInPlace>(pace, course, len)),
    ];
    if quiet {
        let spinning = echo::<SpinRing>(pace, course, len);
        systems.push(System::limit("bare ring, only spinning", spinning));
    }
    systems.extend([
        System::limit("bare ring", echo::<Ring>(pace, course, len)),
        System::limit("futex word", echo::<Futex>(pace, course, len)),
        System::limit("two pipes", echo::<Pipe>(pace, course, len)),
        System::new("ipc-channel bytes", echo::<IpcBytes>(pace, course, len)),
        if quiet {
            System::new("iceoryx2, polling", echo::<Iceoryx>(pace, course, len))
        } else {
            System::absent("iceoryx2, polling", "needs a processor for itself")
        },
        System::new("iceoryx2, events", echo::<IceoryxEvent>(pace, course, len)),
        System::new("interprocess local socket", echo::<LocalSocket>(pace, course, len)),
        cpython(pace, course, len),
    ]);
    if course == Where::Loaded {
        let load = Load::default();
        systems = systems.into_iter().map(|system| load.over(system)).collect();
    }
    systems
}

/// There and back again on a line.
fn echo<L: Line>(pace: Pace, course: Where, len: usize) -> impl FnOnce() -> Result<Sample> {
    move || {
        let Places { here, there } = course.places()?;
        together(pace, here, micros(), move || {
            let (host, invitation) = L::host(len)?;
            let partner = Partner::process(there, answer::<L>, (invitation, len))?;
            let mut line = L::open(host)?;
            let message = vec![7; len];
            let work = repeat(move || {
                line.send(&message)?;
                line.receive()
            });
            Ok(Team::pair(partner, work))
        })()
    }
}

fn answer<L: Line>((invitation, len): (L::Invitation, usize)) -> Result<Work> {
    let mut line = L::join(invitation, len)?;
    let message = vec![7; len];
    Ok(repeat(move || {
        line.receive()?;
        line.send(&message)
    }))
}

fn cpython(pace: Pace, course: Where, len: usize) -> System {
    let places = move || course.places();
    python_pair("CPython Pipe", "queue_.pipe", pace, places, [len], micros())
}
