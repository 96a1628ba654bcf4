"""The three programs that a TensorFlow tutorial on automatic differentiation begins with.

python examples/tutorial.py
"""

import tapeflow as tf

print("1. The gradient of x ** 2 at 3")
x = tf.Variable(3.0)
with tf.GradientTape() as tape:
    y = x**2
print(tape.gradient(y, x).numpy())

print("2. The gradients of x * y + y ** 2 at (3, 2)")
x, y = tf.Variable(3.0), tf.Variable(2.0)
with tf.GradientTape() as tape:
    z = x * y + tf.square(y)
for gradient in tape.gradient(z, [x, y]):
    print(gradient.numpy())

print("3. A Keras model in a training loop of one's own")
model = tf.keras.Sequential(
    [
        tf.keras.layers.Dense(5, activation="relu"),
        tf.keras.layers.Dense(1),
    ]
)
inputs = tf.random.normal([100, 10])
targets = tf.random.normal([100, 1])
optimizer = tf.keras.optimizers.SGD(learning_rate=0.01)
loss_of = tf.keras.losses.MeanSquaredError()


def train_step(inputs, targets):
    with tf.GradientTape() as tape:
        loss = loss_of(targets, model(inputs, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return loss.numpy()


for step in range(101):
    loss = train_step(inputs, targets)
    if step % 20 == 0:
        print(f"step {step:3d}: loss {loss:.4f}")
