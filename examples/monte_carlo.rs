//! The price of an option by a million simulated markets, in an array that processes share.
//!
//! Each task fills a row; the array is then one of ndarray, and was never copied. The seed of a row
//! is its number, so the price is the same however many workers there are.

use std::f64::consts::TAU;

use mp::shm::SharedArray;
use multiprocess as mp;
use ndarray::{Array1, Ix2};

const ROWS: usize = 20;
const MARKETS: usize = 50_000;

const SPOT: f64 = 100.0;
const STRIKE: f64 = 100.0;
const RATE: f64 = 0.05;
const VOLATILITY: f64 = 0.2;

/// What the option is worth today in so many markets one year from now.
fn simulate(prices: SharedArray<f64, Ix2>, row: usize) {
    let mut random = Random(row as u64);
    let drift = RATE - VOLATILITY * VOLATILITY / 2.0;
    let worth = Array1::from_shape_simple_fn(MARKETS, || {
        let price = SPOT * (drift + VOLATILITY * random.normal()).exp();
        (price - STRIKE).max(0.0) * (-RATE).exp()
    });
    prices.lock().unwrap().view_mut().row_mut(row).assign(&worth);
}

/// The generator SplitMix64, and by Box and Muller the numbers of a normal distribution.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// Evenly in (0, 1].
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (TAU * self.uniform()).cos()
    }
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let prices = SharedArray::zeros((ROWS, MARKETS))?;
    let pool = mp::Pool::builder().build()?;
    pool.starmap(simulate, (0..ROWS).map(|row| (prices.clone(), row)))?;

    let prices = prices.lock().map_err(|error| error.to_string())?;
    let prices = prices.view();
    let mean = prices.mean().ok_or("there are markets")?;
    let error = prices.std(1.0) / (prices.len() as f64).sqrt();
    println!("{} markets: {mean:.2}, give or take {error:.2}", prices.len());
    println!("by the formula of Black and Scholes: 10.45");
    Ok(())
}
