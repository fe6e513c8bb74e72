# Copyright 2026 depth_refiner_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Entry point of ``depth-refiner``; the commands are imported once Ctrl-C is handled."""

import io
import sys

from depth_refiner_ros.cli.interrupts import EXIT_CODE, one_line_interrupts, TEXTS

MISTAKE = 2


def main() -> int:
    """
    Run the command line.

    :return: exit code; 2 after a user's mistake, reported in one line
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file name may be no UTF-8
        sys.stdout.reconfigure(errors='backslashreplace')
    with one_line_interrupts():
        from depth_refiner_ros.apps.wording import in_flags
        from depth_refiner_ros.core.errors import DepthRefinerError
        from depth_refiner_ros.core.needed import missing_line

        try:
            from depth_refiner_ros.cli.commands import app

            app(prog_name='depth-refiner')
        except DepthRefinerError as error:
            print(f'depth-refiner: {in_flags(str(error))}', file=sys.stderr)
            return int(getattr(error, 'exit_code', MISTAKE))
        except ModuleNotFoundError as error:
            if not (line := missing_line(error)):
                raise
            print(f'depth-refiner: {line}', file=sys.stderr)
            return MISTAKE
        except KeyboardInterrupt:
            print(TEXTS[EXIT_CODE], file=sys.stderr)
            return EXIT_CODE
        except SystemExit as ended:
            if ended.code in TEXTS:  # 130 is typer's answer to KeyboardInterrupt
                print(TEXTS[ended.code], file=sys.stderr)
            raise
    return 0


if __name__ == '__main__':
    sys.exit(main())
