# SPDX-License-Identifier: ISC
"""The results as a page and as plots, and held against the goals."""
import os, platform, re, statistics, subprocess, time

from receivers import BIN, BOXES, LIMIT, MANY, MEASURES, first_line, say, write


def shown(value):
    if value is None:
        return '-'
    if isinstance(value, int) or value >= 100:
        return f'{value:,.0f}'
    return f'{value:.1f}' if value >= 10 else f'{value:.2f}'


def spread(values):
    """Median (least - greatest)."""
    values = [value for value in values or () if value is not None]
    if not values:
        return '-'
    text = shown(statistics.median(values))
    return text if len(values) == 1 else f'{text} ({shown(min(values))}–{shown(max(values))})'


class Report:
    def __init__(self, bench):
        self.bench, self.results = bench, bench.results
        self.peers = [receiver.name for receiver in bench.receivers if receiver.peer]

    def values(self, measure, cell, name):
        return [value for value in self.results.get(measure, {}).get(cell, {}).get(name, ())
            if value]

    def ratio(self, measure, cell, name, other):
        """The median of what the rounds say, each by itself."""
        pairs = zip(self.values(measure, cell, name), self.values(measure, cell, other))
        ratios = [one / two for one, two in pairs]
        return statistics.median(ratios) if ratios else None

    def best_peer(self, measure, cell, least=False):
        medians = {name: statistics.median(self.values(measure, cell, name))
            for name in self.peers if self.values(measure, cell, name)}
        return (min if least else max)(medians, key=medians.get) if medians else None

    def goals(self):
        """(what, goal, measured, does it hold?) as the goals stand."""
        rows = []

        def goal(what, measured, sign, bound):
            if measured is not None:
                holds = measured <= bound if sign == '≤' else measured >= bound
                rows.append((what, f'{sign} {bound}', shown(measured),
                    'yes' if holds else '**no**'))

        def against(what, measure, cell, other, sign, bound):
            if other is not None:
                goal(f'{what}: in.smtpd / {other}', self.ratio(measure, cell, 'in.smtpd', other),
                    sign, bound)

        for cell in ('wall', 'CPU'):
            for other, bound in (('limit', 1.15), ('qmail', 0.4), ('exim-bs', 0.05),
                    ('postfix-bs', 0.05)):
                against(f'session, {cell}', 'session', cell, other, '≤', bound)
        for cell in self.results.get('messages', ()):
            one = cell == 'one session'
            against(f'messages, {cell}', 'messages', cell, 'limit', '≥', 0.9 if one else 1.0)
            if not one:
                against(f'messages, {cell}', 'messages', cell, 'limit-1', '≥', 0.8)
            against(f'messages, {cell}', 'messages', cell, self.best_peer('messages', cell), '≥',
                5 if one else 1 if cell.startswith('1 ') else 2)
        for cell in self.results.get('large', ()):
            against(cell, 'large', cell, 'limit', '≥', 0.9)
            against(cell, 'large', cell, self.best_peer('large', cell), '≥', 3)
        for cell in self.results.get('memory', ()):
            if cell != 'standing':
                against(f'memory, {cell}', 'memory', cell, 'limit', '≤', 1.1)
                against(f'memory, {cell}', 'memory', cell, 'opensmtpd', '≤', 1)
                against(f'memory, {cell}', 'memory', cell, 'qmail', '≤', 0.33)
        pairs = list(zip(self.values('growth', f'{MANY} more users', 'in.smtpd'),
            self.values('growth', 'as it is', 'in.smtpd')))
        if pairs:
            goal(f'{MANY:,} more users: ms more a message',
                statistics.median(many - few for many, few in pairs), '≤', 0.3)
        large = list(zip(self.values('growth', '1 GB mailbox', 'in.smtpd'),
            self.values('growth', 'as it is', 'in.smtpd')))
        if large:
            goal('1 GB mailbox: time / time with a small one',
                statistics.median(one / two for one, two in large), '≤', 1.1)
        against('1 MB to 100 recipients, time', 'growth', '1 MB to 100', 'limit', '≤', 1.1)
        for cell, bound in (('calls', 80), ('exec', 1), ('fork', 1), ('sync', 1)):
            if 'calls' in self.results:
                goal(f'one session, one message: {cell}',
                    self.results['calls'][cell]['in.smtpd'][0], '≤', bound)
        against('one session, one message: calls', 'calls', 'calls',
            self.best_peer('calls', 'calls', True), '≤', 1)
        if 'size' in self.results:
            size = self.results['size']
            goal('KiB of the program, stripped', size['programs']['in.smtpd'][0], '≤', 117)
            goal('KiB of its libraries (0: static)', size['libraries']['in.smtpd'][0], '≤', 0)
        against('size', 'size', 'programs', self.best_peer('size', 'programs', True), '≤', 1)
        return rows

    def table(self, head, rows):
        return '\n'.join(['| ' + ' | '.join(head) + ' |', '|' + ' --- |' * len(head)] +
            ['| ' + ' | '.join(row) + ' |' for row in rows]) + '\n'

    def figures(self, measure, cells, heads=None, ratios=True):
        """A row a receiver; behind each figure its ratio to the limit's."""
        got = self.results[measure]
        rows = []
        for receiver in self.bench.receivers:
            name = receiver.name
            if not any(name in got.get(cell, ()) for cell in cells):
                continue
            row = [name]
            for cell in cells:
                text = spread(got.get(cell, {}).get(name))
                ratio = self.ratio(measure, cell, name, 'limit')
                if ratios and ratio is not None and name != 'limit':
                    text += f' ×{shown(ratio)}'
                row.append(text)
            rows.append(row)
        return self.table(['receiver'] + list(heads or cells), rows)

    def machine(self):
        def grep(pattern, path):
            try:
                with open(path) as file:
                    match = re.search(pattern, file.read(), re.M)
            except OSError:
                match = None
            return match.group(1).strip() if match else '?'
        disk = max((line.split() for line in open('/proc/mounts')
            if self.bench.place.dir.startswith(line.split()[1])), key=lambda words: len(words[1]))
        virtual = ', under a hypervisor' if ' hypervisor' in open('/proc/cpuinfo').read() else ''
        rows = [('taken', time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime(self.bench.begun)) +
                f', in {(time.time() - self.bench.begun) / 60:.0f} minutes, {self.bench.rounds} '
                f'round{"s" * (self.bench.rounds > 1)}; load average at the end '
                f'{os.getloadavg()[0]:.1f}'),
            ('machine', f'{grep("model name.*: (.*)", "/proc/cpuinfo")}, {os.cpu_count()} '
                f'processors{virtual}, '
                f'{int(grep("MemTotal: *([0-9]+)", "/proc/meminfo")) >> 20} GiB'),
            ('system', f'{grep("PRETTY_NAME=.(.*).$", "/etc/os-release")}, Linux '
                f'{platform.release()}'),
            ('disk', f'{disk[2]} on {disk[0]}, {disk[3].split(",")[0]}'),
            ('compiler', first_line('cc', '--version')),
            ('in.smtpd', next(receiver for receiver in self.bench.receivers
                if receiver.name == 'in.smtpd').version() + ', ' + describe_program(BIN)),
            ('limit', describe_program(LIMIT))]
        rows += [(receiver.name, receiver.version()) for receiver in self.bench.receivers
            if receiver.peer and receiver.version()]
        return self.table(('', ''), rows)

    def markdown(self):
        results, parts = self.results, []
        goals = self.goals()
        missed = sum(row[3] != 'yes' for row in goals)
        if goals:
            parts.append(f'## Against the goals: {len(goals) - missed} of {len(goals)} hold\n\n' +
                'A ratio is the median of those of the rounds.\n\n' +
                self.table(('what', 'goal', 'measured', 'holds'), goals))
        if 'session' in results:
            parts.append('## One session: start, 220, EHLO, QUIT, exit; microseconds\n\n' +
                'Both processes.  Daemons have no start, and stand in the next table.\n\n' +
                self.figures('session', ('wall', 'CPU')) + '\n![session](session.svg)\n')
        if 'messages' in results:
            cells = list(results['messages'])
            parts.append('## Messages of 4 KiB a second, until all are in the mailbox\n\n' +
                'A session each, but in the first column.\n\n' +
                self.figures('messages', cells) +
                '\n![one mailbox](messages-1.svg)\n![50 mailboxes](messages-50.svg)\n')
        if 'large' in results:
            parts.append('## One large message: MB a second, until it is in the mailbox\n\n' +
                self.figures('large', list(results['large'])))
        if 'memory' in results:
            cells = [cell for cell in results['memory'] if cell != 'standing'] + ['standing']
            parts.append('## Memory: PSS in KiB, all processes\n\n' +
                self.figures('memory', cells, cells[:-1] + ['of it daemons, before the first']))
        if 'growth' in results:
            cells = list(results['growth'])
            parts.append('## What grows: milliseconds a message\n\n' +
                'The last is one message of 1 MB to 100 recipients.\n\n' +
                self.figures('growth', cells))
        if 'calls' in results:
            cells = ('calls', 'exec', 'fork', 'sync')
            parts.append('## One session, one message: system calls\n\n' +
                'Until it is in the mailbox, daemons included.\n\n' +
                self.figures('calls', cells, ratios=False))
        if 'size' in results:
            parts.append('## Size in KiB: the programs that handle a message, stripped\n\n' +
                self.figures('size', ('programs', 'libraries'), ratios=False))
        parts.append('## The machine\n\n' + self.machine())
        absent = ', '.join(self.bench.absent)
        parts.append('## Not measured\n\n' +
            (f'- Not on this host: {absent}.\n' if absent else '') +
            ''.join(f'- Left out: {name}.\n' for name in MEASURES if name not in results) +
            '- The log: no syslogd ran, which favours whoever logs by it (in.smtpd and most of '
            'the peers).\n'
            '- What took a peer more than 4 s was measured once, and has no spread; so were memory, '
            'system calls and sizes.\n'
            '- The super-server: the client starts what wants one, and accepts for it.\n'
            '- The network: everything is on the loopback.\n'
            '- Other file systems, other machines.\n')
        if self.bench.notes:
            parts.append('## What went wrong, or otherwise than meant\n\n' +
                ''.join(f'- {note}\n' for note in self.bench.notes))
        return '\n'.join(parts)

    # -------------------------------------------------------- plots

    def plot(self, directory, name, commands):
        """As SVG and PNG."""
        for kind, terminal in (('svg', "svg size 800,500 background 'white' font 'sans,13'"),
                ('png', "pngcairo size 1200,750 background 'white' font 'sans,14'")):
            script = f"set terminal {terminal}\nset output '{directory}/{name}.{kind}'\n{commands}"
            try:
                subprocess.run(['gnuplot'], input=script, text=True, check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                say(f'no plot: {error}')

    def plot_messages(self, directory, boxes, title):
        lines, data = [], ''
        for receiver in self.bench.receivers:
            points = []
            for at_once in (1, 10, 50):
                cell = f'{at_once} at once, {boxes} box{"es" * (boxes > 1)}'
                values = self.values('messages', cell, receiver.name)
                if values:
                    points.append(f'{at_once} {statistics.median(values)} {min(values)} '
                        f'{max(values)}')
            if not points:
                continue
            data += f'${receiver.name.translate(str.maketrans(".-", "__"))} << EOD\n' + \
                '\n'.join(points) + '\nEOD\n'
            style = {'in.smtpd': 'lw 4 lc rgb "#c00000" pt 7', 'limit': 'lw 2 lc rgb "black" pt 5',
                'limit-1': 'lw 2 lc rgb "black" dt 3 pt 4', 'limit-2': None}.get(receiver.name,
                f'lw 2 lc rgb "{COLOURS[len(lines) % len(COLOURS)]}" pt {len(lines) + 5}')
            if style is not None:
                lines.append(f"${receiver.name.translate(str.maketrans('.-', '__'))} using 1:2 "
                    f"with linespoints {style} title '{receiver.name}'")
        self.plot(directory, f'messages-{boxes}', f'''{data}set title '{title}'
set xlabel 'sessions at once'
set ylabel 'messages of 4 KiB a second, in the mailbox (logarithmic)'
set logscale xy
set xrange [0.9:60]
set xtics (1, 10, 50)
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror out
set key outside right center reverse Left samplen 2
plot ''' + ', \\\n    '.join(lines) + '\n')

    def plot_session(self, directory):
        rows = []
        for receiver in self.bench.receivers:
            wall = self.values('session', 'wall', receiver.name)
            cpu = self.values('session', 'CPU', receiver.name)
            if wall and cpu:
                rows.append((statistics.median(wall) / 1000, statistics.median(cpu) / 1000,
                    receiver.name))
        data = '\n'.join(f'"{name}" {wall} {cpu}' for wall, cpu, name in sorted(rows))
        self.plot(directory, 'session', f'''$data << EOD
{data}
EOD
set title 'One session: start, 220, EHLO, QUIT, exit'
set ylabel 'milliseconds (logarithmic)'
set logscale y
set yrange [0.1:*]
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set boxwidth 0.9
set grid ytics lc rgb '#dddddd'
set border 3
set tics nomirror out
set key top left reverse Left
plot $data using 2:xtic(1) lc rgb '#c00000' title 'from start to exit', \\
    '' using 3 lc rgb '#808080' title 'processor time', \\
    '' using ($0-0.167):2:(sprintf($2<10 ? '%.2f' : '%.0f', $2)) with labels offset 0,0.6 \\
    font ',10' notitle, \\
    '' using ($0+0.167):3:(sprintf($3<10 ? '%.2f' : '%.0f', $3)) with labels offset 0,0.6 \\
    font ',10' notitle
''')

    def plots(self, directory):
        if 'session' in self.results:
            self.plot_session(directory)
        if 'messages' in self.results:
            self.plot_messages(directory, 1, 'All messages into one mailbox')
            self.plot_messages(directory, BOXES, f'Messages into {BOXES} mailboxes')


def describe_program(path):
    with open(path, 'rb') as file:
        octets = file.read()
    if b'ld-linux' in octets or b'ld-musl' in octets:
        linked = 'linked dynamically'
    else:
        linked = 'static'
    return f'{linked}, {"glibc" if b"GLIBC_" in octets or b"GNU C Library" in octets else "musl"}'


COLOURS = ('#0072b2', '#e69f00', '#009e73', '#9400d3', '#56b4e9', '#8c564b', '#999933', '#777777',
    '#cc79a7', '#332288')
PROSE = ('<!-- What falls short and why: everything down to the next mark is kept. -->',
    '<!-- end of what is kept -->')
HEAD = '''# What was measured

By `make bench-record`, which replaces all of this but what stands between the two marks below.
Figures are medians (least–greatest) of the rounds; × is the ratio to `limit`, which is
tests/bench/limit.c: the least that a receiver of this design can do, in two processes, with
Landlock and seccomp.  `limit-2` is the same without these, `limit-1` one process without them.
`-bs` is started for each connection, as in.smtpd is; what has no such ending is a daemon.
'''


def record(path, text):
    kept = '\n'
    if os.path.exists(path):
        with open(path) as file:
            old = file.read()
        if all(mark in old for mark in PROSE):
            kept = old.split(PROSE[0], 1)[1].split(PROSE[1], 1)[0]
    write(path, f'{HEAD}\n{PROSE[0]}{kept}{PROSE[1]}\n\n{text}')
