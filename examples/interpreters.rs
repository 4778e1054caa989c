//! An interpreter in each worker: as many global locks as there are workers.
//!
//! The state of a worker is a Python that it has started and talks to. Whoever stops the worker at a
//! deadline stops its Python with it; the next worker starts another.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use multiprocess as mp;

const LOOP: &str = "
import sys
for line in sys.stdin:
    try:
        answer = 'ok ' + repr(eval(line))
    except Exception as error:
        answer = f'{type(error).__name__}: {error}'
    print(answer, flush=True)
";

struct Python {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Child,
}

impl Python {
    fn start() -> io::Result<Self> {
        let mut command = Command::new("python3");
        command.args(["-c", LOOP]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (input, output) = input.zip(output).ok_or(ErrorKind::BrokenPipe)?;
        let mut python = Self { input, output: BufReader::new(output), _process: process };
        // Until it answers: its start is no part of the time that a task has.
        python.evaluate("None")?;
        Ok(python)
    }

    fn evaluate(&mut self, expression: &str) -> io::Result<String> {
        writeln!(self.input, "{expression}")?;
        let mut answer = String::new();
        match self.output.read_line(&mut answer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(answer.trim_end().to_owned()),
        }
    }
}

/// What each worker begins with.
fn start() -> Python {
    Python::start().expect("python3 starts")
}

fn evaluate(python: &mut Python, expression: String) -> Result<String, String> {
    let Ok(answer) = python.evaluate(&expression) else {
        *python = start();
        return Err("it was the end of the interpreter".into());
    };
    answer.strip_prefix("ok ").map(str::to_owned).ok_or(answer)
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    if Python::start().is_err() {
        println!("there is no python3 here");
        return Ok(());
    }
    let expressions = [
        "sum(i * i for i in range(100_000))",
        "sorted('interpreter')[0]",
        "1 / 0",
        "sum(iter(int, 1))", // takes for ever
        "__import__('os')._exit(3)",
        "2 ** 100",
    ];
    let pool = mp::Pool::builder().workers(2).state(start, ()).build()?;
    let task = pool.task(evaluate).with_state().fallible().deadline(Duration::from_secs(5));
    let answers = task.chunk_size(1).try_map(expressions.map(str::to_owned));
    for (expression, answer) in expressions.iter().zip(answers) {
        match answer {
            Ok(value) => println!("{expression} = {value}"),
            Err(error) => println!("{expression}: {}", error.kind),
        }
    }
    Ok(())
}
