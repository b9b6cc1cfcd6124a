type Settled<T> = { source: AsyncGenerator<T, void>; result: IteratorResult<T, void> } | { error: unknown };

/**
 * Items of all sources as they come, until all have ended or one throws; the others are then ended too. Of each
 * source no more than one item waits. Not a race of promises: one that stays silent would remember every race.
 */
export async function* merge<T>(sources: readonly AsyncGenerator<T, void>[]): AsyncGenerator<T, void> {
  const settled: Settled<T>[] = [];
  let wake = (): void => undefined;
  const settle = (outcome: Settled<T>): void => {
    settled.push(outcome);
    wake();
  };
  const next = (source: AsyncGenerator<T, void>): void => {
    source.next().then(
      (result) => {
        settle({ source, result });
      },
      (error: unknown) => {
        settle({ error });
      },
    );
  };
  for (const source of sources) next(source);
  try {
    for (let open = sources.length; open > 0;) {
      const outcome = settled.shift();
      if (outcome === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      if ('error' in outcome) throw outcome.error;
      if (outcome.result.done === true) {
        open--;
        continue;
      }
      next(outcome.source);
      yield outcome.result.value;
    }
  } finally {
    // How they end is nobody's any more.
    for (const source of sources) source.return().catch(() => undefined);
  }
}
