//! The work of all runs, over all cores, with results in the order of the runs.

use rayon::prelude::*;

/// Runs computed before their results are taken: enough for every core to be busy,
/// few enough that memory does not grow with the number of runs.
const CHUNK: u64 = 32;

/// Computes `one` for every run below `runs`, and hands the results to `take` in the
/// order of the runs, however many cores there are. Stops at the first error of `take`.
///
/// # Errors
/// That of `take`.
pub fn in_order<T: Send, E>(
    runs: u64,
    one: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T) -> Result<(), E>,
) -> Result<(), E> {
    let mut first = 0;
    while first < runs {
        let last = runs.min(first + CHUNK);
        let results: Vec<T> = (first..last).into_par_iter().map(&one).collect();
        for (run, result) in (first..last).zip(results) {
            take(run, result)?;
        }
        first = last;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_runs_and_stop_at_an_error() {
        let mut seen = Vec::new();
        let result = in_order(
            100,
            |run| run * run,
            |run, square| {
                assert_eq!(square, run * run);
                seen.push(run);
                if run == 40 {
                    Err("full")
                } else {
                    Ok(())
                }
            },
        );
        assert_eq!(result, Err("full"));
        assert_eq!(seen, (0..=40).collect::<Vec<_>>());
    }
}
