//! The larger examples, each on something real, do what they promise.

mod common {
    pub(crate) mod programs;
}

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::Sender;
use std::time::Duration;

use common::programs::{only, output_of, path_of, watchdog};
use rustix::process::{Pid, Signal, kill_process};

#[test]
fn a_search_that_hangs_costs_itself_alone() {
    let output = output_of("hung_library");
    let lines: Vec<_> = output.lines().collect();
    let stopped = r"(a*)*(a*)*\1\2b$ has no answer: it ran for more than 2s and was killed";
    assert_eq!(lines[..2], ["^a+$ is in the text", "b is not"]);
    assert_eq!(lines[2..4], [stopped, r"^(a+)\1$ is in the text"]);
    // What is wrong with it is said by the library itself.
    assert!(lines[4].starts_with("a{3,2} has no answer: "), "{output}");
}

#[test]
fn whatever_a_file_does_to_its_decoder_is_told() {
    let output = output_of("untrusted_files");
    assert_eq!(only(&output, "picture.png: "), "a picture of 512 by 512 pixels");
    assert_eq!(only(&output, "good.rule: "), "a rule that hits");
    assert!(only(&output, "bomb.png: ").contains("allocation failed"), "{output}");
    assert!(only(&output, "pipe.png: ").contains("ran for more than 3s"), "{output}");
    assert!(only(&output, "deep.rule: ").contains("stack"), "{output}");
    // These two are errors that the decoders return.
    for file in ["cut.png: ", "broken.rule: "] {
        assert!(!only(&output, file).contains("killed by"), "{output}");
    }
    assert_eq!(output.lines().count(), 7);
}

#[test]
fn an_interpreter_goes_down_with_its_worker_alone() {
    let output = output_of("interpreters");
    if output == "there is no python3 here\n" {
        return eprintln!("skipped: {output}");
    }
    assert_eq!(only(&output, "sum(i * i for i in range(100_000)) = "), "333328333350000");
    assert_eq!(only(&output, "sorted('interpreter')[0] = "), "'e'");
    assert_eq!(only(&output, "1 / 0: "), "ZeroDivisionError: division by zero");
    assert!(only(&output, "sum(iter(int, 1)): ").contains("was killed"), "{output}");
    let end = only(&output, "__import__('os')._exit(3): ");
    assert_eq!(end, "it was the end of the interpreter");
    assert_eq!(only(&output, "2 ** 100 = "), "1267650600228229401496703205376");
    assert_eq!(output.lines().count(), 6);
}

#[test]
fn a_million_markets_agree_with_the_formula() {
    let output = output_of("monte_carlo");
    let estimate = only(&output, "1000000 markets: ");
    let (mean, error) = estimate.split_once(", give or take ").expect("a mean and its error");
    let [mean, error] = [mean, error].map(|number| number.parse::<f64>().expect("a number"));
    assert!((mean - 10.45).abs() < 4.0 * error, "{output}");
}

#[test]
fn frames_go_round_and_come_out_in_order() {
    let negatives: Vec<u8> = (1..=8).map(|level: u8| !level).collect();
    let expected = format!("33 megabytes a frame, 8 frames: {negatives:?}\n");
    assert_eq!(output_of("frame_pipeline"), expected);
}

/// An example that runs until it is told to end, and is killed if the test fails.
struct Service {
    process: Child,
    output: BufReader<ChildStdout>,
    _watchdog: Sender<()>,
}

impl Service {
    fn start(example: &str) -> Self {
        Self::run(Command::new(path_of(example)))
    }

    fn run(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the example starts");
        let output = BufReader::new(process.stdout.take().expect("it is a pipe"));
        let watchdog = watchdog(&process);
        Self { process, output, _watchdog: watchdog }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).expect("the output can be read");
        assert_ne!(read, 0, "the example has ended");
        line.trim_end().to_owned()
    }

    fn terminate(self) -> String {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("it runs");
        self.rest()
    }

    /// What it prints until it ends.
    fn rest(mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("the output can be read");
        rest
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_service_that_is_told_to_end_serves_what_it_has_taken() {
    let mut service = Service::start("graceful_service");
    assert!(service.line().starts_with("serving, with pid "));
    while service.line() != "order 50 is served" {}
    let rest = service.terminate();
    let taken: u64 = only(&rest, "taken: ").parse().expect("a number");
    assert!(taken > 50);
    assert_eq!(only(&rest, "served: ").parse(), Ok(taken));
}

#[test]
fn programs_that_were_started_apart_share_their_work() {
    let program = |example: &str, argument: Option<&str>| {
        let mut command = Command::new(path_of(example));
        command.args(argument).env("JOBS_KEY", "a secret of this test");
        Service::run(command)
    };
    let mut server = program("job_server", None);
    let address = server.line();
    let address = address.strip_prefix("listening at tcp:").expect("an address");
    let clients = [(); 2].map(|()| program("job_client", Some(address)));
    let squares: Vec<_> = (1..=10).map(|n| (n, n * n)).collect();
    assert_eq!(server.rest(), format!("{squares:?}\n"));
    let done = clients.map(|client| only(&client.rest(), "done: ").parse::<u32>());
    let done = done.map(|done| done.expect("a number"));
    assert_eq!(done.iter().sum::<u32>(), 10, "{done:?}");
}

#[test]
fn a_request_that_crashes_or_hangs_is_answered_as_are_all_others() {
    let mut service = Service::start("web_service");
    let address = service.line();
    let address = address.strip_prefix("listening on http://").expect("an address").to_owned();
    let get = |path: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a minute is not zero");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").expect("it reads");
        let mut response = String::new();
        stream.read_to_string(&mut response).expect("it answers");
        response
    };
    let prime_of_19_digits = "/factors/1000000000000000003";
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| get(prime_of_19_digits));
        assert!(get("/crash").starts_with("HTTP/1.1 500 "));
        let factors = get("/factors/600851475143");
        assert!(factors.starts_with("HTTP/1.1 200 "), "{factors}");
        assert!(factors.ends_with("\r\n\r\n[71, 839, 1471, 6857]\n"), "{factors}");
        assert!(slow.join().expect("an answer").starts_with("HTTP/1.1 504 "));
    });
    assert!(get("/nothing").starts_with("HTTP/1.1 404 "));
    service.terminate();
}
